/**
 * An analyzer that misbehaves on purpose: it answers late, twice, out of order, vanishes, stalls, returns with what it
 * holds or with less. What it does wrong it tells the history, which checks what the node makes of it.
 */
import type { SluiceError } from "../../src/core/errors.ts";
import type { Distributor } from "../../src/engine/api.ts";
import type { AnalyzerFrame, Delivery, LeaseResult, NodeFrame, Session, SessionPort } from "../../src/engine/frames.ts";
import { taskId, taskNumber } from "../support/tasks.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

type Answer = "success" | "failure" | "release";

const NOTHING: AnalyzerFrame = { results: [], releases: [], credit: 0, progress: [] };

/** One stream of an analyzer. What is sent after it is over does not arrive, as on a real network. */
class Stream implements SessionPort {
  readonly peer = "sim";
  isOver = false;
  isWelcome = false;
  isReading = true;
  session: Session | undefined;
  readonly #onFrame: (frame: NodeFrame) => void;

  constructor(onFrame: (frame: NodeFrame) => void) {
    this.#onFrame = onFrame;
  }

  send(frame: NodeFrame): boolean {
    this.#onFrame(frame);
    return this.isReading;
  }

  end(_error?: SluiceError): void {
    this.isOver = true;
  }
}

/** One analyzer with all its streams. */
export class SimAnalyzer {
  readonly id: string;
  readonly queues: readonly string[];
  readonly weight: number;
  readonly maxInFlight: number;
  readonly #random: Random;
  readonly #history: History;
  readonly #held = new Map<number, Delivery>();
  /** Sent, without a receipt yet. */
  readonly #sent = new Map<number, Answer>();
  #stream: Stream | undefined;
  #credit = 0;
  /** It sends nothing until then, as a process that is stopped. */
  isStalled = false;

  constructor(id: string, random: Random, history: History) {
    this.id = id;
    this.#random = random;
    this.#history = history;
    this.queues = random.chance(0.3) ? ["q", "r"] : [random.chance(0.7) ? "q" : "r"];
    this.weight = random.pick([0.1, 0.4, 1, 1, 3]) ?? 1;
    this.maxInFlight = random.int(1, 6);
  }

  get isConnected(): boolean {
    return this.#stream !== undefined && !this.#stream.isOver;
  }

  /** What it holds is settled: answers before that would be answers to an unknown question. */
  get isWelcome(): boolean {
    return this.isConnected && this.#stream?.isWelcome === true;
  }

  /** Opens a stream and says hello with what it holds, or with part of it. */
  connect(node: Distributor): void {
    this.#drop();
    const stream = new Stream((frame) => this.#received(stream, frame));
    this.#stream = stream;
    stream.session = node.attach(stream);
    const named = [...this.#held.values()].filter(({ lease }) => this.#isNamed(lease));
    for (const [lease] of this.#held) {
      if (!named.some((delivery) => delivery.lease === lease)) this.#forget(lease);
    }
    const held = named.map((d) => ({ lease: d.lease, taskId: taskId(taskNumber(d)), attempt: d.attempt }));
    this.#credit = 0;
    const room = Math.max(0, this.maxInFlight - this.#held.size);
    const credit = this.#random.int(0, room);
    this.#credit = credit;
    stream.session.receive({
      ...NOTHING,
      credit,
      hello: {
        analyzerId: this.id,
        subscriptions: this.queues.map((queue) => ({ queue, weight: this.#random.int(1, 3) })),
        weight: this.weight,
        maxInFlight: this.maxInFlight,
        held,
        version: "",
        labels: {},
      },
    });
  }

  /** What it released it holds no more; of what it has not answered it loses some. */
  #isNamed(lease: number): boolean {
    const answer = this.#sent.get(lease);
    if (answer === "release") return false;
    return answer !== undefined || !this.#random.chance(0.1);
  }

  /** Proves that it lives, unless it is stalled. */
  beat(): void {
    if (!this.isStalled && this.isConnected) this.#stream?.session?.receive(NOTHING);
  }

  /** Does something, or nothing. */
  act(): void {
    if (this.isStalled || !this.isWelcome) return;
    const results: LeaseResult[] = [];
    const releases: number[] = [];
    for (const { lease } of [...this.#held.values()]) {
      if (this.#random.chance(0.5)) continue;
      this.#answer(lease, results, releases);
    }
    const room = this.maxInFlight - this.#credit - (this.#held.size - this.#sent.size);
    const credit = this.#random.chance(0.8) ? this.#random.int(0, Math.max(0, room)) : 0;
    this.#credit += credit;
    this.#stream?.session?.receive({ ...NOTHING, results, releases, credit });
  }

  /** Takes all it can and answers all it holds with success: how a simulation ends. */
  behave(): void {
    this.isStalled = false;
    if (!this.isWelcome) return;
    const results: LeaseResult[] = [];
    for (const { lease } of [...this.#held.values()]) if (!this.#sent.has(lease)) this.#succeed(lease, results);
    const credit = Math.max(0, this.maxInFlight - this.#credit - (this.#held.size - this.#sent.size));
    this.#credit += credit;
    this.#stream?.session?.receive({ ...NOTHING, results, credit });
  }

  /** The connection is gone, without a word. */
  vanish(): void {
    if (!this.isConnected) return;
    this.#mayLoseAll();
    const session = this.#stream?.session;
    this.#drop();
    session?.broken();
  }

  /** Ends its side in good order: what it holds is released. Receipts still come. */
  leave(): void {
    if (!this.isWelcome || this.isStalled) return;
    for (const lease of this.#held.keys()) if (!this.#sent.has(lease)) this.#sent.set(lease, "release");
    this.#stream?.session?.finished();
    this.#stream = undefined;
  }

  /** Sends nothing for a while. */
  stall(): void {
    this.isStalled = true;
    this.#mayLoseAll();
  }

  /** The node died: its streams end, it may come back too late for its leases. */
  nodeDied(): void {
    this.#drop();
    this.#mayLoseAll();
  }

  /** Whether the socket takes more. */
  read(isReading: boolean): void {
    const stream = this.#stream;
    if (stream === undefined || stream.isOver) return;
    stream.isReading = isReading;
    if (isReading) stream.session?.writable();
  }

  #answer(lease: number, results: LeaseResult[], releases: number[]): void {
    const before = this.#sent.get(lease);
    if (before !== undefined) {
      // Answers twice now and then, with the same answer: the second must be stale or have no effect.
      if (before !== "success" || !this.#random.chance(0.1)) return;
      this.#succeed(lease, results);
      return;
    }
    const dice = this.#random.unit();
    if (dice < 0.7) this.#succeed(lease, results);
    else if (dice < 0.85) {
      this.#sent.set(lease, "failure");
      this.#history.mayCharge(lease);
      const error = { code: "SIM", message: "failed", details: new Uint8Array() };
      results.push({ lease, kind: "failure", error, nonRetryable: false });
    } else {
      this.#sent.set(lease, "release");
      releases.push(lease);
    }
  }

  #succeed(lease: number, results: LeaseResult[]): void {
    this.#sent.set(lease, "success");
    results.push({ lease, kind: "success", result: { output: new Uint8Array(), contentType: "" } });
  }

  #received(stream: Stream, frame: NodeFrame): void {
    for (const delivery of frame.deliveries) {
      this.#history.delivered(delivery.lease, taskNumber(delivery), delivery.attempt);
      if (stream.isOver || this.isStalled) this.#history.mayCharge(delivery.lease);
      if (stream.isOver) continue;
      this.#credit -= 1;
      if (this.#credit < 0) throw new Error(`${this.id} got more than the credit it granted`);
      this.#held.set(delivery.lease, delivery);
    }
    if (stream.isOver) return;
    for (const lease of frame.accepted) {
      const answer = this.#sent.get(lease);
      // What it held at its good-bye is released for it.
      this.#history.receipt(lease, answer === "success");
      this.#forget(lease);
    }
    for (const lease of frame.stale) if (this.#sent.get(lease) !== undefined) this.#forgetStale(lease);
    if (frame.welcome !== undefined) stream.isWelcome = true;
    for (const { lease, state } of frame.welcome?.held ?? []) {
      if (state === "LOST") this.#forget(lease);
      if (state === "RECORDED") this.#recorded(lease);
      // What it had answered never arrived: it answers again.
      if (state === "ADOPTED") this.#sent.delete(lease);
    }
  }

  /** A stale second answer says nothing of the first, whose receipt is on its way. */
  #forgetStale(lease: number): void {
    if (this.#sent.get(lease) !== "success") this.#forget(lease);
  }

  #recorded(lease: number): void {
    // Without an answer of ours it was a cancel that ended the task under this lease.
    this.#history.receipt(lease, this.#sent.get(lease) === "success");
    this.#forget(lease);
  }

  #forget(lease: number): void {
    this.#held.delete(lease);
    this.#sent.delete(lease);
  }

  #mayLoseAll(): void {
    for (const lease of this.#held.keys()) this.#history.mayCharge(lease);
  }

  #drop(): void {
    if (this.#stream !== undefined) this.#stream.isOver = true;
    this.#stream = undefined;
  }
}
