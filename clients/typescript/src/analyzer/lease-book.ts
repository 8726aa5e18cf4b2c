/**
 * What an analyzer holds and owes: its leases, its credit, the results the node has not confirmed. Pure bookkeeping: no
 * clock, no I/O, no promises. docs/protocol.md is the specification.
 *
 * A lease is running (its handler works), finished (its result waits to be sent) or sent (its result waits for the
 * receipt). It leaves the book with its receipt, or when the node says that it has ended.
 *
 * Invariants:
 *  L1  Within a session, unused credit plus running handlers plus unsent results never exceed the limit, which is the
 *      smaller of the analyzer's concurrency and the node's `max_in_flight`.
 *  L2  A result is kept, and sent again after a reconnect, until the node has answered it: RECORDED, accepted, stale or
 *      LOST.
 *  L3  A handler whose lease has ended keeps its place until it returns, but its result is never sent.
 *  L4  While more results wait for receipts than `MAX_UNCONFIRMED` allows, no credit is granted, so the book is bounded.
 */
import { create } from "@bufbuild/protobuf";
import {
  type HeldLease,
  HeldLeaseSchema,
  HeldState,
  type Receipts,
  type Result,
  ResultSchema,
  type Welcome,
  type WorkRequest,
  WorkRequestSchema,
} from "../contract.ts";

/** How an attempt ended, ready for the wire. */
export type ResultOutcome = Exclude<Result["outcome"], { case: undefined }>;

/** One lease. `Run` is whatever runs its handler. */
export interface Held<Run> {
  readonly lease: bigint;
  readonly taskId: string;
  readonly attempt: number;
  readonly run: Run;
  phase: "running" | "finished" | "sent";
  result: Result | undefined;
  /** Rough size of the result. */
  bytes: number;
  /** When the result was last sent. */
  sentMs: number;
}

/** Results in one frame: the contract's limit. */
const MAX_FRAME_ITEMS = 10_000;
/** Bytes of results in one frame, or one larger result: a quarter of what a node takes by default. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** Bytes of a result besides output, message and details. */
const RESULT_OVERHEAD_BYTES = 64;
/** Leases that a hello may list: the highest `max_in_flight` that nodes grant by default. */
const MAX_HELD = 10_000;
/** Results without a receipt, above the analyzer's concurrency, at which no more credit is granted. */
const MAX_UNCONFIRMED_RESULTS = 1000;
/** Their bytes. */
const MAX_UNCONFIRMED_BYTES = 64 * 1024 * 1024;

/** See the top of the file. */
export class LeaseBook<Run> {
  readonly #concurrency: number;
  readonly #held = new Map<bigint, Held<Run>>();
  #unsent: Held<Run>[] = [];
  #releases: bigint[] = [];
  #running = 0;
  #sent = 0;
  #sentBytes = 0;
  #credit = 0;
  /** Most in flight in this session; 0 while there is none. */
  #limit = 0;
  /** What the node cut the last hello to; unlimited until it did. */
  #nodeLimit = MAX_HELD;
  #accepting = false;

  /** @param concurrency - most handlers at a time, at least 1 */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Handlers that work, also those whose lease has ended. */
  get running(): number {
    return this.#running;
  }

  /** Unused credit. */
  get credit(): number {
    return this.#credit;
  }

  /** Something is held or to be sent: the session is not over yet. */
  get owes(): boolean {
    return this.#held.size > 0 || this.#releases.length > 0;
  }

  /** The leases for a hello: those with a result first, because their work is done. */
  heldForHello(): { readonly held: HeldLease[]; readonly maxInFlight: number } {
    const held: HeldLease[] = [];
    const limit = Math.min(MAX_HELD, this.#nodeLimit);
    for (const withResult of [true, false]) {
      for (const { lease, taskId, attempt, result } of this.#held.values()) {
        if (held.length === limit) break;
        if ((result !== undefined) === withResult) held.push(create(HeldLeaseSchema, { lease, taskId, attempt }));
      }
    }
    // A hello may list no more leases than the max_in_flight it asks for; results without receipts can exceed ours.
    return { held, maxInFlight: Math.max(this.#concurrency, held.length) };
  }

  /**
   * A session begins. Returns what was lost: leases that the node no longer knows as ours.
   * @param accepting - grant credit
   */
  attach(welcome: Welcome, asked: number, accepting: boolean): Held<Run>[] {
    const states = new Map(welcome.held.map(({ lease, state }) => [lease, state]));
    this.#nodeLimit = welcome.maxInFlight < asked ? welcome.maxInFlight : MAX_HELD;
    this.#limit = Math.min(this.#concurrency, welcome.maxInFlight);
    this.#accepting = accepting;
    this.#clearSession();
    const lost: Held<Run>[] = [];
    for (const held of this.#held.values()) {
      const state = states.get(held.lease) ?? HeldState.LOST;
      if (state === HeldState.ADOPTED) {
        if (held.result !== undefined) this.#queue(held);
        continue;
      }
      this.#held.delete(held.lease);
      if (state !== HeldState.RECORDED || held.result === undefined) lost.push(held);
    }
    return lost;
  }

  /** The session is over. Leases are kept for the next one. */
  detach(): void {
    this.#limit = 0;
    this.#accepting = false;
    this.#clearSession();
  }

  /** Grants no more credit in this session. */
  stopCredit(): void {
    this.#accepting = false;
  }

  /** A delivery arrived. Undefined: do not start it; it is not wanted any more and will be released, or is held already. */
  deliver(lease: bigint, taskId: string, attempt: number, run: Run): Held<Run> | undefined {
    this.#credit = Math.max(0, this.#credit - 1);
    if (this.#held.has(lease)) return undefined;
    if (!this.#accepting) {
      this.#releases.push(lease);
      return undefined;
    }
    const held: Held<Run> = { lease, taskId, attempt, run, phase: "running", result: undefined, bytes: 0, sentMs: 0 };
    this.#held.set(lease, held);
    this.#running++;
    return held;
  }

  /** A handler returned. False: its lease has ended, the result is of no use. */
  finish(lease: bigint, outcome: ResultOutcome): boolean {
    this.#running--;
    const held = this.#held.get(lease);
    if (held === undefined) return false;
    held.result = create(ResultSchema);
    held.result.lease = lease;
    held.result.outcome = outcome;
    held.bytes = sizeOf(outcome);
    this.#queue(held);
    return true;
  }

  /** The node ended a lease. Returns it if its handler still works. */
  end(lease: bigint): Held<Run> | undefined {
    const held = this.#held.get(lease);
    if (held?.phase !== "running") return undefined;
    this.#held.delete(lease);
    return held;
  }

  /** The lease, if it is held. */
  get(lease: bigint): Held<Run> | undefined {
    return this.#held.get(lease);
  }

  /** All leases whose handlers work and that are live. */
  runs(): Run[] {
    return [...this.#held.values()].filter((held) => held.phase === "running").map((held) => held.run);
  }

  /** The node answered results and releases. Returns the results that came too late. */
  confirm(receipts: Receipts): Held<Run>[] {
    for (const lease of receipts.accepted) this.#confirmed(lease);
    const stale: Held<Run>[] = [];
    for (const lease of receipts.stale) {
      const held = this.#confirmed(lease);
      if (held !== undefined) stale.push(held);
    }
    return stale;
  }

  /** A result was sent at or before this time and has no receipt. */
  hasUnconfirmedSince(sentMs: number): boolean {
    if (this.#sent === 0) return false;
    for (const held of this.#held.values()) {
      if (held.phase === "sent" && held.sentMs <= sentMs) return true;
    }
    return false;
  }

  /** The next frame with results, releases and credit; undefined when there is nothing to say. */
  nextFrame(nowMs: number): WorkRequest | undefined {
    if (this.#limit === 0) return undefined;
    const results = this.#takeResults(nowMs);
    const releases = this.#releases.splice(0, MAX_FRAME_ITEMS);
    const credit = this.#grant();
    if (results.length === 0 && releases.length === 0 && credit === 0) return undefined;
    const frame = create(WorkRequestSchema);
    frame.results = results;
    frame.releases = releases;
    frame.credit = credit;
    return frame;
  }

  #queue(held: Held<Run>): void {
    held.phase = "finished";
    this.#unsent.push(held);
  }

  #confirmed(lease: bigint): Held<Run> | undefined {
    const held = this.#held.get(lease);
    if (held?.phase !== "sent") return undefined;
    this.#held.delete(lease);
    this.#sent--;
    this.#sentBytes -= held.bytes;
    return held;
  }

  #takeResults(nowMs: number): Result[] {
    const results: Result[] = [];
    let bytes = 0;
    for (const held of this.#unsent) {
      if (held.result === undefined || results.length === MAX_FRAME_ITEMS) break;
      bytes += held.bytes;
      if (results.length > 0 && bytes > MAX_FRAME_BYTES) break;
      results.push(held.result);
      held.phase = "sent";
      held.sentMs = nowMs;
      this.#sent++;
      this.#sentBytes += held.bytes;
    }
    this.#unsent.splice(0, results.length);
    return results;
  }

  #grant(): number {
    if (!this.#accepting) return 0;
    const most = Math.max(MAX_UNCONFIRMED_RESULTS, this.#concurrency);
    if (this.#sent > most || this.#sentBytes > MAX_UNCONFIRMED_BYTES) return 0;
    const grant = Math.max(0, this.#limit - this.#running - this.#unsent.length - this.#credit);
    this.#credit += grant;
    return grant;
  }

  #clearSession(): void {
    this.#credit = 0;
    this.#unsent = [];
    // What was to be released is not listed in the next hello, and so released by that.
    this.#releases = [];
    this.#sent = 0;
    this.#sentBytes = 0;
    for (const held of this.#held.values()) if (held.phase === "sent") held.phase = "finished";
  }
}

function sizeOf(outcome: ResultOutcome): number {
  if (outcome.case === "success") return RESULT_OVERHEAD_BYTES + outcome.value.output.length;
  const error = outcome.value.error;
  return RESULT_OVERHEAD_BYTES + (error?.message.length ?? 0) + (error?.details.length ?? 0);
}
