/**
 * The analyzer: takes tasks from its queues in proportion to its weight and runs handlers on them.
 *
 * Responsible for its life: sessions one after the other, reconnects, drain. What it holds and owes is in the lease book,
 * which outlives the sessions.
 */

import { create } from "@bufbuild/protobuf";
import { backoffMs } from "../backoff.ts";
import { Connection, type Endpoint } from "../connection.ts";
import {
  CancelReason,
  type Delivery,
  type Drain,
  DrainReason,
  TaskSpecSchema,
  type Welcome,
  type WorkResponse,
} from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import type { AnalyzerEvent, AnalyzerStats, LeaseLoss } from "./analyzer-event.ts";
import { type AnalyzerOptions, type AnalyzerSettings, analyzerSettings, helloOf } from "./analyzer-options.ts";
import { AnalyzerSession } from "./analyzer-session.ts";
import { deferred } from "./deferred.ts";
import { type Held, LeaseBook, type ResultOutcome } from "./lease-book.ts";
import { ProgressLog } from "./progress-log.ts";
import { ReceivedTask } from "./received-task.ts";
import { endsForGood } from "./session-error.ts";
import { TaskRun } from "./task-run.ts";

/** Waits between sessions. The most stays below a node's default resume grace of 5 s, in which leases can be taken over. */
const RECONNECT = { initialMs: 100, maxMs: 3000 };
/** A session that lasted this long was no failed try: the next wait starts from the beginning. */
const STABLE_MS = 1000;

/** See `AnalyzerOptions`. */
export class Analyzer implements AsyncDisposable {
  readonly #settings: AnalyzerSettings;
  readonly #connection: Connection;
  readonly #book: LeaseBook<TaskRun>;
  readonly #progress = new ProgressLog();
  readonly #started = deferred();
  readonly #closed = deferred();
  #phase: "new" | "running" | "stopping" | "closed" = "new";
  #session: AnalyzerSession | undefined;
  #sessionSinceMs: number | undefined;
  #nodeStopping = false;
  #reconnect: NodeJS.Timeout | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  /** Set when the drain timeout is over: handlers that were still at work. */
  #abandoned: number | undefined;
  #failures = 0;
  readonly #counts = { sessions: 0, delivered: 0, succeeded: 0, failed: 0, released: 0, lost: 0 };

  readonly #reportProgress = (lease: bigint, percent: number, note: string): void => {
    this.#progress.report(lease, percent, note);
    this.#session?.progressSoon();
  };

  constructor(options: AnalyzerOptions) {
    this.#settings = analyzerSettings(options);
    this.#connection = new Connection(options);
    this.#book = new LeaseBook(this.#settings.concurrency);
  }

  /** Who it is. */
  get id(): string {
    return this.#settings.id;
  }

  /**
   * Resolves when the analyzer has ended by `close` or by an operator's drain. Rejects when it stops for good: the node
   * refuses it (INVALID_ARGUMENT, UNIMPLEMENTED and the like), or another one with the same id took its place (ABORTED).
   * Handle it: a worker that stopped for good should not go unnoticed, so an unhandled rejection ends the process.
   */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get stats(): AnalyzerStats {
    const attached = this.#session?.isAttached ?? false;
    return { ...this.#counts, attached, running: this.#book.running, credit: this.#book.credit };
  }

  /**
   * Begins to work; resolves when a node has welcomed the analyzer for the first time. Keeps trying while no node can be
   * reached. Rejects when the node refuses the analyzer, and with CANCELLED when it was closed before. Idempotent.
   */
  start(): Promise<void> {
    if (this.#phase === "new") {
      this.#phase = "running";
      this.#connect();
    }
    return this.#started.promise;
  }

  /**
   * Takes no more work, waits for running handlers (up to the drain timeout; then their signals fire and their tasks go
   * back), hands unstarted tasks back, waits until every result is confirmed, and disconnects. Never rejects. Idempotent.
   */
  close(): Promise<void> {
    if (this.#phase === "new") this.#finish();
    else this.#stop("CLOSE");
    return this.#closed.promise.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connect(): void {
    this.#reconnect = undefined;
    const endpoint = this.#connection.endpoint();
    const { held, maxInFlight } = this.#book.heldForHello();
    this.#session = new AnalyzerSession(
      endpoint,
      helloOf(this.#settings, held, maxInFlight),
      this.#book,
      this.#progress,
      {
        attached: (welcome) => this.#attached(welcome, maxInFlight, endpoint),
        received: (frame) => this.#received(frame),
        flushed: () => this.#checkDrained(),
        ended: (error) => this.#ended(error, endpoint),
      },
    );
  }

  #attached(welcome: Welcome, asked: number, endpoint: Endpoint): void {
    this.#sessionSinceMs = performance.now();
    this.#counts.sessions++;
    const lost = this.#book.attach(welcome, asked, this.#phase === "running");
    this.#event({
      kind: "attached",
      address: endpoint.address,
      sessionId: welcome.sessionId,
      maxInFlight: welcome.maxInFlight,
      held: welcome.held.length - lost.length,
    });
    for (const held of lost) this.#lost(held, "LEASE_LOST");
    this.#started.resolve();
  }

  #received(frame: WorkResponse): void {
    // Before the deliveries, which are then handed back.
    if (frame.drain !== undefined) this.#drain(frame.drain);
    if (frame.receipts !== undefined) {
      for (const held of this.#book.confirm(frame.receipts)) this.#lost(held, "STALE");
    }
    for (const { lease, reason } of frame.cancels) this.#cancel(lease, reason);
    for (const delivery of frame.deliveries) this.#deliver(delivery);
  }

  #deliver({ lease, attempt, task }: Delivery): void {
    const received = new ReceivedTask(task ?? create(TaskSpecSchema));
    const run = new TaskRun(received, lease, attempt, this.#reportProgress);
    const held = this.#book.deliver(lease, received.id, attempt, run);
    if (held === undefined) {
      this.#counts.released++;
      return;
    }
    this.#counts.delivered++;
    run.start(this.#settings.handlers, this.#settings.maxOutputBytes, (outcome) => this.#finished(held, outcome));
  }

  #finished(held: Held<TaskRun>, outcome: ResultOutcome): void {
    this.#progress.forget(held.lease);
    // What came after the end of its lease is counted as lost already.
    if (this.#book.finish(held.lease, outcome)) this.#count(held, outcome);
    this.#session?.flushSoon();
    this.#checkDrained();
  }

  #count(held: Held<TaskRun>, outcome: ResultOutcome): void {
    if (outcome.case === "success") {
      this.#counts.succeeded++;
      return;
    }
    this.#counts.failed++;
    const { code, message } = outcome.value.error ?? { code: "", message: "" };
    this.#event({ kind: "taskFailed", taskId: held.taskId, attempt: held.attempt, code, message });
  }

  #cancel(lease: bigint, reason: CancelReason): void {
    if (reason === CancelReason.TIMEOUT) {
      const held = this.#book.end(lease);
      if (held !== undefined) this.#lost(held, "TIMEOUT");
      return;
    }
    // The lease lives until it is answered, whatever the answer.
    this.#book.get(lease)?.run.abort("CANCELLED");
  }

  #lost(held: Held<TaskRun>, reason: LeaseLoss): void {
    this.#counts.lost++;
    if (reason !== "STALE") held.run.abort(reason);
    this.#progress.forget(held.lease);
    this.#event({ kind: "leaseLost", taskId: held.taskId, lease: held.lease, reason });
  }

  #drain(drain: Drain): void {
    if (drain.reason === DrainReason.OPERATOR) {
      this.#stop("OPERATOR");
      return;
    }
    this.#nodeStopping = true;
    this.#book.stopCredit();
    this.#event({ kind: "draining", reason: "NODE_STOPPING" });
  }

  #stop(reason: "OPERATOR" | "CLOSE"): void {
    if (this.#phase !== "running") return;
    this.#phase = "stopping";
    this.#book.stopCredit();
    this.#event({ kind: "draining", reason });
    this.#drainTimer = setTimeout(() => this.#abandon(), this.#settings.drainTimeoutMs);
    // Releases and results that are not written yet go first; the flush looks again.
    this.#session?.flushSoon();
    this.#checkDrained();
  }

  /** Ends the session, and with it perhaps the analyzer, when nothing is left to do in it. */
  #checkDrained(): void {
    if (this.#book.owes) return;
    const finished = this.#phase === "stopping" && this.#book.running === 0;
    if (finished && this.#session === undefined) this.#drained(0);
    else if (finished || this.#nodeStopping) this.#session?.finish();
  }

  /** The drain timeout is over. Ending the stream gives the tasks back, uncharged. */
  #abandon(): void {
    const runs = this.#book.runs();
    for (const run of runs) run.abort("CLOSING");
    this.#abandoned = runs.length;
    if (this.#session === undefined) this.#drained(runs.length);
    else this.#session.finish();
  }

  #drained(abandoned: number): void {
    this.#event({ kind: "drained", abandoned });
    this.#finish();
  }

  #ended(error: SluiceClientError | undefined, endpoint: Endpoint): void {
    this.#session = undefined;
    this.#nodeStopping = false;
    this.#book.detach();
    const lastedMs = this.#sessionSinceMs === undefined ? 0 : performance.now() - this.#sessionSinceMs;
    this.#sessionSinceMs = undefined;
    const finished = this.#phase === "stopping" && !this.#book.owes && this.#book.running === 0;
    if (finished || this.#abandoned !== undefined) {
      this.#drained(this.#abandoned ?? 0);
      return;
    }
    if (error !== undefined && endsForGood(error)) {
      this.#finish(error);
      return;
    }
    this.#connection.failed(endpoint);
    this.#failures = lastedMs >= STABLE_MS ? 1 : this.#failures + 1;
    // Each address is tried once before the first wait.
    const round = Math.max(0, this.#failures - this.#connection.size + 1);
    const jitteredMs = round === 0 ? 0 : backoffMs(RECONNECT, round, Math.random());
    const retryInMs = Math.max(error?.retryAfterMs ?? 0, jitteredMs);
    this.#event({ kind: "detached", address: endpoint.address, error, retryInMs });
    this.#reconnect = setTimeout(() => this.#connect(), retryInMs);
  }

  /** The end of everything; no session is left. */
  #finish(error?: SluiceClientError): void {
    this.#phase = "closed";
    clearTimeout(this.#reconnect);
    clearTimeout(this.#drainTimer);
    this.#connection.close();
    if (error === undefined) {
      // Whoever closes before the start is over knows that it will not come.
      this.#started.promise.catch(() => {});
      this.#started.reject(new SluiceClientError("CANCELLED", "the analyzer was closed before it was attached"));
      this.#closed.resolve();
      return;
    }
    for (const run of this.#book.runs()) run.abort("LEASE_LOST");
    // Told once: by `start` if it is still awaited, else by `closed`.
    if (this.#counts.sessions === 0) this.#closed.promise.catch(() => {});
    this.#started.reject(error);
    this.#closed.reject(error);
  }

  #event(event: AnalyzerEvent): void {
    this.#settings.onEvent(event);
  }
}
