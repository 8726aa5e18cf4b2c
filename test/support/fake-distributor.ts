/**
 * A distributor that records what it is asked and answers what a test says: for tests of the rpc floor alone.
 */
import { SluiceError } from "../../src/core/errors.ts";
import type { NewTask } from "../../src/core/task.ts";
import type {
  AnalyzerFigures,
  Distributor,
  LiveTask,
  QueueFigures,
  SubmitOutcome,
  Vitals,
} from "../../src/engine/api.ts";
import type { AnalyzerFrame, NodeFrame, Session, SessionPort } from "../../src/engine/frames.ts";
import { Timings } from "../../src/engine/timings.ts";
import { DEFAULT_QUEUE_SETTINGS, type StoredTask } from "../../src/store/port.ts";

/** What happened to a session, in order. */
export type SessionEvent =
  | { readonly kind: "frame"; readonly frame: AnalyzerFrame }
  | { readonly kind: "writable" | "finished" | "broken" };

/** A session as the fake sees it. */
export class FakeSession implements Session {
  readonly port: SessionPort;
  readonly events: SessionEvent[] = [];
  #waiting: { readonly wanted: (event: SessionEvent) => boolean; readonly resolve: () => void }[] = [];

  constructor(port: SessionPort) {
    this.port = port;
  }

  receive(frame: AnalyzerFrame): void {
    this.#note({ kind: "frame", frame });
  }

  writable(): void {
    this.#note({ kind: "writable" });
  }

  finished(): void {
    this.#note({ kind: "finished" });
  }

  broken(): void {
    this.#note({ kind: "broken" });
  }

  /** Resolves once such an event has come. */
  async until(kind: SessionEvent["kind"]): Promise<void> {
    const wanted = (event: SessionEvent) => event.kind === kind;
    if (this.events.some(wanted)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ wanted, resolve }));
  }

  send(frame: Partial<NodeFrame>): boolean {
    return this.port.send({ deliveries: [], accepted: [], stale: [], cancels: [], ...frame });
  }

  #note(event: SessionEvent): void {
    this.events.push(event);
    for (const { wanted, resolve } of this.#waiting) if (wanted(event)) resolve();
    this.#waiting = this.#waiting.filter(({ wanted }) => !wanted(event));
  }
}

/** A task as a store would keep it. */
export function storedTask(task: Partial<StoredTask> & Pick<StoredTask, "id">): StoredTask {
  return {
    queue: "default",
    type: "",
    priority: 4,
    state: "PENDING",
    submittedMs: 1_700_000_000_000,
    dueMs: 0,
    startMs: 0,
    endMs: 0,
    attempts: 0,
    analyzerId: "",
    lease: 0,
    history: [],
    attributes: {},
    spec: new Uint8Array(0),
    ...task,
  };
}

/** The figures of an empty queue. */
export function queueFigures(name: string): QueueFigures {
  return {
    name,
    settings: DEFAULT_QUEUE_SETTINGS,
    counts: { PENDING: 1, SCHEDULED: 2, RUNNING: 3, RETRYING: 4, COMPLETED: 5, FAILED: 6, CANCELLED: 7 },
    waitingBytes: 8,
    headSubmittedMs: 0,
    totals: { submitted: 1, delivered: 2, completed: 3, retried: 4, failed: 5, cancelled: 6, stale: 7, lost: 8 },
    headWaitMs: 9,
    shares: [],
  };
}

/** The figures of an analyzer. */
export function analyzerFigures(id: string, queues: readonly string[]): AnalyzerFigures {
  return {
    id,
    state: "ATTACHED",
    weight: 0.4,
    credit: 1,
    inFlight: 2,
    maxInFlight: 4,
    lastFrameMs: 5,
    writable: true,
    version: "1.2.3",
    labels: { zone: "a" },
    queues,
    peer: "127.0.0.1:1",
    attachedMs: 1_700_000_000_000,
    delivered: 6,
    completed: 7,
    failed: 8,
    progress: [{ lease: 2 ** 40, percent: 50, note: "half" }],
  };
}

/** The fake. Tests put what they need into its fields. */
export class FakeDistributor implements Distributor {
  readonly submitted: NewTask[] = [];
  readonly sessions: FakeSession[] = [];
  readonly tasks = new Map<string, LiveTask>();
  readonly calls: unknown[][] = [];
  /** Answers a submitted task. */
  answer: (task: NewTask) => SubmitOutcome = () => ({ kind: "accepted" });
  /** What `vitals` says. */
  health: Vitals = { isDraining: false, hasFailed: false, oldestCommitMs: 0, timings: new Timings() };
  /** The scaling of every queue. */
  scalingFigures = {
    waiting: 3,
    running: 2,
    arrivalRate: 1.5,
    serviceRate: 1,
    analyzerRate: 0.5,
    runMs: 20_000,
    analyzers: 1,
    analyzersWanted: 4,
  };
  /** Thrown by every method while set. */
  failure: Error | undefined;
  /** Those who wait for endings. */
  readonly waiting = new Set<(id: string, task: StoredTask | undefined) => void>();
  #attached: (() => void) | undefined;

  async submit(tasks: readonly NewTask[]): Promise<SubmitOutcome[]> {
    this.#note("submit", tasks.length);
    this.submitted.push(...tasks);
    return tasks.map(this.answer);
  }

  attach(port: SessionPort): Session {
    this.#note("attach", port.peer);
    const session = new FakeSession(port);
    this.sessions.push(session);
    this.#attached?.();
    return session;
  }

  /** The session that attaches next. */
  async nextSession(): Promise<FakeSession> {
    const { length } = this.sessions;
    await new Promise<void>((resolve) => {
      this.#attached = resolve;
    });
    const session = this.sessions[length];
    if (session === undefined) throw new Error("no session attached");
    return session;
  }

  async get(id: string) {
    this.#note("get", id);
    return this.tasks.get(id);
  }

  async list(query: Parameters<Distributor["list"]>[0]) {
    this.#note("list", query);
    const begin = Number(query.cursor ?? 0);
    const end = begin + query.limit;
    const tasks = [...this.tasks.values()].slice(begin, end);
    return end < this.tasks.size ? { tasks, cursor: String(end) } : { tasks };
  }

  wait(ids: readonly string[], ended: (id: string, task: StoredTask | undefined) => void): () => void {
    this.#note("wait", ids);
    this.waiting.add(ended);
    for (const id of ids) {
      const task = this.tasks.get(id);
      if (task === undefined || task.state === "COMPLETED") ended(id, task);
    }
    return () => this.waiting.delete(ended);
  }

  async cancel(...call: Parameters<Distributor["cancel"]>) {
    return this.#counts("cancel", call);
  }

  async retry(...call: Parameters<Distributor["retry"]>) {
    return this.#counts("retry", call);
  }

  async purge(...call: Parameters<Distributor["purge"]>) {
    return this.#counts("purge", call);
  }

  async explainTask(id: string) {
    this.#note("explainTask", id);
    return { state: "PENDING" as const, reasons: ["because"] };
  }

  vitals() {
    return this.health;
  }

  async figures(queue: string) {
    this.#note("figures", queue);
    return {
      node: {
        epoch: 7,
        version: "0.0.0",
        uptimeMs: 1,
        draining: false,
        freeBytes: undefined,
        diskLow: false,
        holdMs: 0,
        store: "memory",
        sessions: this.sessions.length,
        leases: 0,
      },
      queues: [queueFigures("default")],
      analyzers: [analyzerFigures("a1", ["default"]), analyzerFigures("a2", ["other"])],
    };
  }

  async scaling(queue: string, targetWaitMs: number) {
    this.#note("scaling", queue, targetWaitMs);
    return { ...this.scalingFigures, queue };
  }

  async configureQueue(...call: Parameters<Distributor["configureQueue"]>) {
    this.#note("configureQueue", ...call);
    const [name, change] = call;
    return { ...queueFigures(name), settings: { ...DEFAULT_QUEUE_SETTINGS, ...change } };
  }

  setWeight(analyzerId: string, weight: number) {
    this.#note("setWeight", analyzerId, weight);
    return { ...this.#analyzer(analyzerId), weight };
  }

  drainAnalyzer(analyzerId: string) {
    this.#note("drainAnalyzer", analyzerId);
    return { ...this.#analyzer(analyzerId), state: "DRAINING" as const };
  }

  explainAnalyzer(analyzerId: string): readonly string[] {
    this.#note("explainAnalyzer", analyzerId);
    return [`${this.#analyzer(analyzerId).id} is idle`];
  }

  #analyzer(id: string): AnalyzerFigures {
    if (id !== "a1") throw new SluiceError("NOT_FOUND", `analyzer ${id} is not attached`);
    return analyzerFigures(id, ["default"]);
  }

  #counts(name: string, call: unknown[]) {
    this.#note(name, ...call);
    return { done: 1, requested: 2, skipped: 3, more: true };
  }

  #note(...call: unknown[]): void {
    this.calls.push(call);
    if (this.failure !== undefined) throw this.failure;
  }
}
