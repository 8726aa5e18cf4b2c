/**
 * What the engine offers to the adapters above it. One engine is one node.
 *
 * Methods throw `SluiceError` for expected refusals; anything else that they throw is a fault of the node.
 */
import type { NewTask } from "../core/task.ts";
import type { ListPage, ListQuery, QueueSettings, QueueSnapshot, StoredTask } from "../store/port.ts";
import type { ProgressReport, Session, SessionPort } from "./frames.ts";
import type { TimingFigures } from "./timings.ts";

/** What became of one submitted task. `duplicate`: the same id with the same content was accepted before. */
export type SubmitOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "conflict" }
  | { readonly kind: "full"; readonly message: string; readonly retryAfterMs: number };

/** An analyzer's part of one queue. */
export interface ShareFigures {
  readonly analyzerId: string;
  readonly weight: number;
  /** 0 to 1. */
  readonly expected: number;
  /** 0 to 1, of the recent deliveries. */
  readonly observed: number;
  /** Tasks ahead (positive) or behind (negative) of its share. */
  readonly lead: number;
  readonly delivered: number;
  readonly completed: number;
  readonly failed: number;
}

/** Events of a queue since the start of the node. */
export interface QueueTotals {
  submitted: number;
  delivered: number;
  completed: number;
  retried: number;
  failed: number;
  cancelled: number;
  stale: number;
  lost: number;
}

/** A queue with what the engine knows of it. */
export interface QueueFigures extends QueueSnapshot {
  readonly totals: Readonly<QueueTotals>;
  readonly headWaitMs: number;
  readonly shares: readonly ShareFigures[];
}

/** How much work a queue has, and how many analyzers it wants. Rates are per second, as seen by this node. */
export interface ScalingFigures {
  readonly queue: string;
  /** Ready tasks. */
  readonly waiting: number;
  readonly running: number;
  /** Tasks that arrive, to be tried again included. */
  readonly arrivalRate: number;
  /** Attempts that end, of all analyzers. */
  readonly serviceRate: number;
  /** What one analyzer can do; 0 while that is not known. */
  readonly analyzerRate: number;
  /** How long an attempt takes on average; 0 while that is not known. */
  readonly runMs: number;
  /** Attached now. */
  readonly analyzers: number;
  readonly analyzersWanted: number;
}

/** An analyzer. */
export interface AnalyzerFigures {
  readonly id: string;
  readonly state: "ATTACHED" | "DRAINING" | "DETACHED" | "GONE";
  readonly weight: number;
  readonly credit: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  readonly lastFrameMs: number;
  readonly writable: boolean;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly queues: readonly string[];
  readonly peer: string;
  /** Wall clock. */
  readonly attachedMs: number;
  readonly delivered: number;
  readonly completed: number;
  readonly failed: number;
  readonly progress: readonly ProgressReport[];
}

/** The node. */
export interface NodeFigures {
  readonly epoch: number;
  readonly version: string;
  readonly uptimeMs: number;
  readonly draining: boolean;
  /** Space that is left for the store, as of the last look; undefined when it does not say. */
  readonly freeBytes: number | undefined;
  /** Submits are refused because little of it is left. */
  readonly diskLow: boolean;
  readonly holdMs: number;
  readonly store: string;
  readonly sessions: number;
  readonly leases: number;
}

/** All figures at one moment. */
export interface Figures {
  readonly node: NodeFigures;
  readonly queues: readonly QueueFigures[];
  readonly analyzers: readonly AnalyzerFigures[];
}

/** Whether the node is well. Asks nothing of the store, so it can be told while that hangs. */
export interface Vitals {
  readonly isDraining: boolean;
  /** Storage failed; the process is about to end. */
  readonly hasFailed: boolean;
  /** How long storage has been at the oldest write that it has not answered; 0 when there is none. */
  readonly oldestCommitMs: number;
  readonly timings: TimingFigures;
}

/** A task with what the engine knows of it: who runs it, and how far it is. */
export interface LiveTask extends StoredTask {
  readonly progress?: ProgressReport;
}

/** Counts of a cancel, retry or purge. */
export interface OperationCounts {
  /** Tasks for which it took effect at once. */
  readonly done: number;
  /** Cancel only: running tasks whose analyzer was asked to stop. */
  readonly requested: number;
  /** Tasks named by id that are unknown or not in a state that allows it. */
  readonly skipped: number;
  /** The limit was reached and more tasks match. */
  readonly more: boolean;
}

/** Tasks by id, or by filter (then with at most `limit`). */
export type Selection =
  | { readonly ids: readonly string[] }
  | { readonly filter: ListQuery["filter"] & { readonly queue: string }; readonly limit: number };

/** The work distributor. */
export interface Distributor {
  /** Adds tasks; resolves after the commit, with one outcome per task in order. */
  submit(tasks: readonly NewTask[]): Promise<SubmitOutcome[]>;
  /** Begins a session on a stream. */
  attach(port: SessionPort): Session;

  get(id: string): Promise<LiveTask | undefined>;
  list(query: Omit<ListQuery, "scanLimit">): Promise<Omit<ListPage, "tasks"> & { readonly tasks: readonly LiveTask[] }>;
  /**
   * Calls back with each task as it ends, at once if it has, and with undefined for an unknown id. Returns a function that
   * ends the waiting.
   */
  wait(ids: readonly string[], ended: (id: string, task: StoredTask | undefined) => void): () => void;
  cancel(selection: Selection): Promise<OperationCounts>;
  retry(selection: Selection, ratePerSecond: number): Promise<OperationCounts>;
  purge(selection: Selection): Promise<OperationCounts>;
  explainTask(id: string): Promise<{ readonly state: StoredTask["state"]; readonly reasons: readonly string[] }>;

  /** Whether the node is well, and how long things take. */
  vitals(): Vitals;
  /** Figures of one queue, or of all for an empty name. */
  figures(queue: string): Promise<Figures>;
  /** How many analyzers a queue wants so that a task waits about this long. All zero for a queue that is not known. */
  scaling(queue: string, targetWaitMs: number): Promise<ScalingFigures>;
  /** Changes settings of a queue; creates it. */
  configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueFigures>;
  setWeight(analyzerId: string, weight: number): AnalyzerFigures;
  drainAnalyzer(analyzerId: string): AnalyzerFigures;
  explainAnalyzer(analyzerId: string): readonly string[];
}
