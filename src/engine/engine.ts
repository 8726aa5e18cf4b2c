/**
 * The engine: the one writer of a node. It collects what arrives, and in turns decides, commits and emits.
 *
 * A turn runs after the bytes that wait on sockets have been read: submits and results of many streams share one commit,
 * deliveries and receipts of one session share one frame. What arrives is applied to memory at once, in order; durable
 * effects and frames wait for the turn.
 *
 * Invariants: those of the parts (submissions U, endings E, dispatcher D, attachment T, reception R, sweeper W).
 */
import { SluiceError } from "../core/errors.ts";
import type { NewTask } from "../core/task.ts";
import type { ListQuery, QueueSettings } from "../store/port.ts";
import type {
  AnalyzerFigures,
  Distributor,
  Figures,
  QueueFigures,
  ScalingFigures,
  Selection,
  SubmitOutcome,
  Vitals,
} from "./api.ts";
import { Attachment } from "./attachment.ts";
import { DiskWatch } from "./disk-watch.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Drain } from "./drain.ts";
import { Endings } from "./endings.ts";
import { explainAnalyzer, explainTask } from "./explain.ts";
import { allFigures, analyzerFigures, queueFigures } from "./figures.ts";
import type { Session, SessionPort } from "./frames.ts";
import { LeaseTable } from "./lease-table.ts";
import { LiveSession, type SessionEvents } from "./live-session.ts";
import { type EngineParts, NodeState } from "./node-state.ts";
import { Operations } from "./operations.ts";
import { Reception } from "./reception.ts";
import { scalingFigures } from "./scaling.ts";
import { Submissions } from "./submissions.ts";
import { Sweeper } from "./sweeper.ts";
import { type Ended, Waiters } from "./waiters.ts";

/** One node. */
export class Engine implements Distributor, AsyncDisposable {
  readonly #node: NodeState;
  readonly #submissions: Submissions;
  readonly #endings: Endings;
  readonly #dispatcher: Dispatcher;
  readonly #attachment: Attachment;
  readonly #reception: Reception;
  readonly #sweeper: Sweeper;
  readonly #waiters: Waiters;
  readonly #operations: Operations;
  readonly #drain: Drain;
  readonly #disk: DiskWatch;
  /** Sessions before their hello, with the lease time at which they opened. */
  readonly #strangers = new Map<LiveSession, number>();
  readonly #sessions = new Set<LiveSession>();
  readonly #sessionEvents: SessionEvents;
  #startedMs = 0;
  #holdUntilMs = 0;
  /** Ends the hold after a crash without a beginning of dispatch. */
  #forgetHold: () => void = () => {};
  #sessionNumber = 0;
  #turnIsDue = false;

  constructor(parts: EngineParts) {
    this.#node = new NodeState(parts, () => this.#wake());
    this.#waiters = new Waiters(this.#node);
    const due = (dueMs: number) => this.#sweeper.noteDue(dueMs);
    this.#endings = new Endings(this.#node, { due, ended: (taskId) => this.#waiters.ended(taskId) });
    this.#disk = new DiskWatch(this.#node);
    this.#submissions = new Submissions(this.#node, this.#disk, due);
    this.#operations = new Operations(this.#node, this.#waiters, due);
    this.#dispatcher = new Dispatcher(this.#node, this.#endings);
    this.#attachment = new Attachment(this.#node, this.#endings, (session) => this.#reception.opened(session));
    this.#reception = new Reception(this.#node, this.#endings, this.#attachment);
    this.#sweeper = new Sweeper(this.#node, this.#endings, this.#attachment, this.#strangers);
    this.#drain = new Drain(this.#node, this.#attachment, this.#submissions, this.#dispatcher);
    this.#sessionEvents = this.#makeSessionEvents();
  }

  /** Opens the store and begins. Rejects with StoreOpenError when the data cannot be used. */
  async start(): Promise<void> {
    const { store, clock, settings, log } = this.#node.parts;
    const { epoch, leasesMayBeHeld } = await store.open();
    this.#node.epoch = epoch;
    this.#node.leases = new LeaseTable(epoch);
    this.#startedMs = clock.monotonicMs();
    for (const { name, settings: saved } of await store.queues()) this.#node.queue(name).configure(saved);
    store.onWake((queue) => this.#node.nudge(this.#node.queue(queue)));
    await this.#disk.start();
    this.#sweeper.start();
    if (!leasesMayBeHeld) {
      await this.#beginDispatch();
      return;
    }
    this.#holdUntilMs = clock.monotonicMs() + settings.resumeGraceMs;
    log("info", "dispatch.held", { forMs: settings.resumeGraceMs, epoch });
    const begin = () => this.#node.after(this.#beginDispatch(), () => {});
    this.#forgetHold = this.#node.afterGrace(settings.resumeGraceMs, begin);
  }

  submit(tasks: readonly NewTask[]): Promise<SubmitOutcome[]> {
    return this.#submissions.submit(tasks);
  }

  attach(port: SessionPort): Session {
    const session = new LiveSession(`${this.#node.epoch}-${++this.#sessionNumber}`, port, this.#sessionEvents);
    const { maxSessions } = this.#node.parts.settings;
    if (this.#node.isDraining || this.#node.failure !== undefined) {
      session.cut(new SluiceError("UNAVAILABLE", "this node is stopping: connect to another, or again later"));
    } else if (this.#sessions.size >= maxSessions) {
      session.cut(new SluiceError("RESOURCE_EXHAUSTED", `this node has ${maxSessions} sessions: use another node`));
    } else {
      this.#sessions.add(session);
      this.#strangers.set(session, this.#node.leaseMs);
      this.#node.sessions = this.#sessions.size;
    }
    return session;
  }

  get(id: string): ReturnType<Distributor["get"]> {
    return this.#operations.get(id);
  }

  list(query: Omit<ListQuery, "scanLimit">): ReturnType<Distributor["list"]> {
    return this.#operations.list(query);
  }

  wait(ids: readonly string[], ended: Ended): () => void {
    return this.#waiters.wait(ids, ended);
  }

  cancel(selection: Selection): ReturnType<Distributor["cancel"]> {
    return this.#operations.cancel(selection);
  }

  retry(selection: Selection, ratePerSecond: number): ReturnType<Distributor["retry"]> {
    return this.#operations.retry(selection, ratePerSecond);
  }

  purge(selection: Selection): ReturnType<Distributor["purge"]> {
    return this.#operations.purge(selection);
  }

  async explainTask(id: string): ReturnType<Distributor["explainTask"]> {
    const task = await this.get(id);
    if (task === undefined)
      throw new SluiceError("NOT_FOUND", `no task ${id}: it never was, or its retention has ended`);
    return { state: task.state, reasons: explainTask(this.#node, task, this.#dispatcher.isOpen) };
  }

  vitals(): Vitals {
    const { isDraining, failure, timings, monotonicMs } = this.#node;
    const oldestCommitMs = timings.oldestCommitMs(monotonicMs);
    return { isDraining, hasFailed: failure !== undefined, oldestCommitMs, timings };
  }

  figures(queue: string): Promise<Figures> {
    const nowMs = this.#node.monotonicMs;
    return allFigures(this.#node, queue, {
      uptimeMs: nowMs - this.#startedMs,
      freeBytes: this.#disk.freeBytes,
      diskLow: this.#disk.isLow,
      holdMs: this.#dispatcher.isOpen ? 0 : Math.max(0, this.#holdUntilMs - nowMs),
    });
  }

  scaling(queue: string, targetWaitMs: number): Promise<ScalingFigures> {
    return scalingFigures(this.#node, queue, targetWaitMs);
  }

  async configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueFigures> {
    const queue = this.#node.queue(name);
    const settings = await this.#node.parts.store.configureQueue(name, change);
    if (settings === undefined) throw new SluiceError("RESOURCE_EXHAUSTED", "this node has no room for another queue");
    queue.configure(settings);
    this.#node.nudge(queue);
    const snapshots = await this.#node.parts.store.queues();
    const snapshot = snapshots.find((candidate) => candidate.name === name);
    if (snapshot === undefined) throw new Error(`the store has lost queue ${name}`);
    return queueFigures(this.#node, snapshot);
  }

  setWeight(analyzerId: string, weight: number): AnalyzerFigures {
    const { analyzer, session } = this.#attached(analyzerId);
    this.#attachment.setWeight(analyzer, session, weight);
    return analyzerFigures(this.#node, analyzer);
  }

  drainAnalyzer(analyzerId: string): AnalyzerFigures {
    const { analyzer } = this.#attached(analyzerId);
    this.#drain.analyzer(analyzer, "OPERATOR");
    return analyzerFigures(this.#node, analyzer);
  }

  explainAnalyzer(analyzerId: string): readonly string[] {
    const analyzer = this.#node.analyzers.get(analyzerId);
    if (analyzer === undefined) throw new SluiceError("NOT_FOUND", `no analyzer ${analyzerId} was seen lately`);
    return explainAnalyzer(this.#node, analyzer);
  }

  /** Stops giving out work, waits for results up to drainMs, hands back the rest uncharged, ends all sessions. */
  drain(): Promise<void> {
    this.#forgetHold();
    return this.#drain.node(this.#sessions);
  }

  /** Drains, then closes the store. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
    this.#sweeper.stop();
    this.#disk.stop();
    this.#node.isClosed = true;
    await this.#node.parts.store.close();
  }

  #attached(analyzerId: string) {
    const analyzer = this.#node.analyzers.get(analyzerId);
    const session = analyzer?.session;
    if (analyzer === undefined || session === undefined || session.opening !== undefined) {
      throw new SluiceError(
        "NOT_FOUND",
        `analyzer ${analyzerId} is not attached: 'sluice analyzers list' shows who is`,
      );
    }
    return { analyzer, session };
  }

  async #beginDispatch(): Promise<void> {
    await this.#node.parts.store.beginDispatch();
    if (this.#node.isDraining) return;
    this.#dispatcher.begin();
    this.#node.parts.log("info", "dispatch.begun", { epoch: this.#node.epoch });
  }

  #makeSessionEvents(): SessionEvents {
    return {
      received: (session, frame) => {
        this.#reception.received(session, frame);
        if (session.analyzer !== undefined) this.#strangers.delete(session);
      },
      becameWritable: (session) => {
        if (session.analyzer?.session === session) this.#node.refresh(session.analyzer);
      },
      finished: (session) => this.#attachment.finished(session),
      broken: (session) => this.#attachment.broken(session),
      over: (session) => {
        this.#sessions.delete(session);
        this.#strangers.delete(session);
        this.#node.sessions = this.#sessions.size;
      },
    };
  }

  #wake(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#node.parts.clock.defer(() => this.#turn());
  }

  #turn(): void {
    this.#turnIsDue = false;
    if (this.#node.failure !== undefined) return;
    this.#submissions.commit();
    this.#endings.commit();
    this.#dispatcher.run();
    for (const session of this.#node.dirty) {
      session.flush();
      if (session.analyzer?.session === session) this.#node.refresh(session.analyzer);
    }
    this.#node.dirty.clear();
    this.#sweeper.watchDeadlines();
  }
}
