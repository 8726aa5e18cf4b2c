/**
 * What an analyzer holds and owes: its leases, its credit, the results the node has not confirmed. Pure bookkeeping: no
 * clock, no I/O, no promises. docs/protocol.md is the specification.
 *
 * A lease is running (its handler works), finished (its result waits to be sent) or sent (its result waits for the
 * receipt). It leaves the book with its receipt, or when the node says that it has ended.
 *
 * Invariants:
 *  L1  Credit is granted only up to the limit: unused credit plus running handlers plus unsent results do not exceed it
 *      then. The limit is the node's `max_in_flight`, or the analyzer's own concurrency if that is smaller. When it
 *      falls, what was granted before stays; the node lets it rest until there is room.
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
import { type Held, type LostLease, type ResultOutcome, sizeOf } from "./held-lease.ts";

/** Results in one frame: the contract's limit. */
const MAX_FRAME_ITEMS = 10_000;
/** Bytes of results in one frame, or one larger result: a quarter of what a node takes by default. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** Leases that a hello may list: the limit that nodes have by default. */
const MAX_HELD = 10_000;
/** Results without a receipt, or as many as the limit if that is more, above which no more credit is granted. */
const MAX_UNCONFIRMED_RESULTS = 1000;
/** Their bytes. */
const MAX_UNCONFIRMED_BYTES = 64 * 1024 * 1024;

/** See the top of the file. */
export class LeaseBook<Run> {
  /** Most handlers at a time by the analyzer's own wish. */
  readonly #concurrency: number;
  readonly #held = new Map<bigint, Held<Run>>();
  #unsent: Held<Run>[] = [];
  #releases: bigint[] = [];
  #running = 0;
  #sent = 0;
  #sentBytes = 0;
  #credit = 0;
  /** Most in flight. */
  #limit: number;
  /** Leases that the next hello lists at most. */
  #listLimit = MAX_HELD;
  #attached = false;
  #accepting = false;

  /**
   * @param concurrency - most handlers at a time, at least 1
   * @param followsNode - only until a node says otherwise
   */
  constructor(concurrency: number, followsNode = false) {
    this.#limit = concurrency;
    this.#concurrency = followsNode ? Number.POSITIVE_INFINITY : concurrency;
  }

  /** Most handlers at a time, as the last session had it. */
  get limit(): number {
    return this.#limit;
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
  heldForHello(): HeldLease[] {
    const held: HeldLease[] = [];
    for (const withResult of [true, false]) {
      for (const { lease, taskId, attempt, result } of this.#held.values()) {
        if (held.length === this.#listLimit) break;
        if ((result !== undefined) === withResult) held.push(create(HeldLeaseSchema, { lease, taskId, attempt }));
      }
    }
    return held;
  }

  /**
   * A node refused a hello with that many leases: lists only as many as any node takes from now on. What is left out is
   * lost. False: there were no more than that.
   */
  shortenList(listed: number): boolean {
    if (listed <= this.#limit) return false;
    this.#listLimit = this.#limit;
    return true;
  }

  /**
   * A session begins. Returns what was lost: leases that the node no longer knows as ours.
   * @param accepting - grant credit
   */
  attach(welcome: Welcome, accepting: boolean): LostLease<Run>[] {
    const states = new Map(welcome.held.map(({ lease, state }) => [lease, state]));
    this.#attached = true;
    this.#accepting = accepting;
    this.#listLimit = MAX_HELD;
    this.resize(welcome.maxInFlight);
    this.#clearSession();
    const lost: LostLease<Run>[] = [];
    for (const held of this.#held.values()) {
      const state = states.get(held.lease) ?? HeldState.LOST;
      if (state === HeldState.ADOPTED) {
        if (held.result !== undefined) this.#queue(held);
        continue;
      }
      this.#held.delete(held.lease);
      if (state !== HeldState.RECORDED) lost.push({ held, reason: "LEASE_LOST" });
      // Not by a result, since there is none yet: so the task was cancelled.
      else if (held.result === undefined) lost.push({ held, reason: "CANCELLED" });
    }
    return lost;
  }

  /** The node's `max_in_flight` from now on. */
  resize(maxInFlight: number): void {
    this.#limit = Math.min(this.#concurrency, maxInFlight);
  }

  /** The session is over. Leases are kept for the next one. */
  detach(): void {
    this.#attached = false;
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
    if (!this.#attached) return undefined;
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
    const most = Math.max(MAX_UNCONFIRMED_RESULTS, this.#limit);
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
