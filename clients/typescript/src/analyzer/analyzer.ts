/**
 * The analyzer: takes tasks from its queues in proportion to its weight and runs handlers on them.
 *
 * Responsible for its life: sessions one after the other, reconnects, drain. What it holds and owes is in the lease book,
 * which outlives the sessions.
 */

import { create } from "@bufbuild/protobuf";
import { Connection, type Endpoint } from "../connection.ts";
import {
  CancelReason,
  type Change,
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
import type { Held, ResultOutcome } from "./held-lease.ts";
import { LeaseBook } from "./lease-book.ts";
import { ProgressLog } from "./progress-log.ts";
import { ReceivedTask } from "./received-task.ts";
import { ReconnectPace } from "./reconnect-pace.ts";
import { endsForGood } from "./session-error.ts";
import { TaskRun } from "./task-run.ts";

/** See `AnalyzerOptions`. */
export class Analyzer implements AsyncDisposable {
  readonly #settings: AnalyzerSettings;
  readonly #connection: Connection;
  readonly #book: LeaseBook<TaskRun>;
  readonly #progress = new ProgressLog();
  readonly #pace: ReconnectPace;
  readonly #started = deferred();
  readonly #closed = deferred();
  /** Set by an operator or else by the options. */
  #weight: number;
  #phase: "new" | "running" | "stopping" | "closed" = "new";
  #session: AnalyzerSession | undefined;
  #sessionSinceMs: number | undefined;
  #nodeStopping = false;
  #reconnect: NodeJS.Timeout | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  /** Set when the drain timeout is over: handlers that were still at work. */
  #abandoned: number | undefined;
  readonly #counts = { sessions: 0, delivered: 0, succeeded: 0, failed: 0, released: 0, lost: 0 };

  readonly #reportProgress = (lease: bigint, percent: number, note: string): void => {
    this.#progress.report(lease, percent, note);
    this.#session?.progressSoon();
  };

  constructor(options: AnalyzerOptions) {
    this.#settings = analyzerSettings(options);
    this.#connection = new Connection(options);
    this.#pace = new ReconnectPace(this.#connection.size);
    this.#weight = this.#settings.weight;
    this.#book = new LeaseBook(this.#settings.concurrency, this.#settings.followsNode);
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
    const { limit: concurrency, running, credit } = this.#book;
    return { ...this.#counts, attached, weight: this.#weight, concurrency, running, credit };
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
    const hello = helloOf(this.#settings, this.#weight, this.#book.heldForHello());
    this.#session = new AnalyzerSession(endpoint, hello, this.#book, this.#progress, {
      attached: (welcome) => this.#attached(welcome, endpoint),
      received: (frame) => this.#received(frame),
      flushed: () => this.#checkDrained(),
      ended: (error) => this.#ended(error, endpoint, hello.held.length),
    });
  }

  #attached(welcome: Welcome, endpoint: Endpoint): void {
    this.#sessionSinceMs = performance.now();
    this.#counts.sessions++;
    const lost = this.#book.attach(welcome, this.#phase === "running");
    this.#event({
      kind: "attached",
      address: endpoint.address,
      sessionId: welcome.sessionId,
      maxInFlight: welcome.maxInFlight,
      held: welcome.held.length - lost.length,
    });
    for (const { held, reason } of lost) this.#lost(held, reason);
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
    if (frame.change !== undefined) this.#change(frame.change);
  }

  /** The room that a higher limit gives is granted by the flush that follows every frame. */
  #change({ weight, maxInFlight }: Change): void {
    this.#weight = weight;
    this.#book.resize(maxInFlight);
    this.#event({ kind: "weightChanged", weight, concurrency: this.#book.limit });
  }

  #deliver({ lease, attempt, task }: Delivery): void {
    const received = new ReceivedTask(task ?? create(TaskSpecSchema));
    const { handlers, maxOutputBytes, tracing, id } = this.#settings;
    const beginTrace = tracing === undefined ? undefined : () => tracing.attempt(received, attempt, id);
    const run = new TaskRun(received, lease, attempt, this.#reportProgress, beginTrace);
    const held = this.#book.deliver(lease, received.id, attempt, run);
    if (held === undefined) {
      this.#counts.released++;
      return;
    }
    this.#counts.delivered++;
    run.start(handlers, maxOutputBytes, (outcome) => this.#finished(held, outcome));
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
    const { taskId, attempt, run } = held;
    this.#event({ kind: "taskFailed", taskId, traceId: run.traceId, attempt, code, message });
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
    this.#event({ kind: "leaseLost", taskId: held.taskId, traceId: held.run.traceId, lease: held.lease, reason });
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

  /** The drain is over, ours or the node's. Ending the stream gives the tasks back, uncharged. */
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

  #ended(error: SluiceClientError | undefined, endpoint: Endpoint, listed: number): void {
    this.#session = undefined;
    this.#nodeStopping = false;
    this.#book.detach();
    const sinceMs = this.#sessionSinceMs;
    const lastedMs = sinceMs === undefined ? 0 : performance.now() - sinceMs;
    this.#sessionSinceMs = undefined;
    const finished = this.#phase === "stopping" && !this.#book.owes && this.#book.running === 0;
    if (finished || this.#abandoned !== undefined) {
      this.#drained(this.#abandoned ?? 0);
      return;
    }
    // The node has taken back all that was held: there is nothing to return for.
    if (this.#phase === "stopping" && sinceMs !== undefined && error?.code === "DEADLINE_EXCEEDED") {
      this.#abandon();
      return;
    }
    // Results without receipts can be more leases than a node takes in a hello.
    const isTooLong = error?.code === "INVALID_ARGUMENT" && this.#book.shortenList(listed);
    if (error !== undefined && !isTooLong && endsForGood(error)) {
      this.#finish(error);
      return;
    }
    this.#connection.failed(endpoint);
    const retryInMs = Math.max(error?.retryAfterMs ?? 0, this.#pace.waitMs(lastedMs, Math.random()));
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
