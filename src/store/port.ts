/**
 * The store port: everything the engine asks of durable storage, as verbs of the domain.
 *
 * The engine decides who gets how many tasks; the store decides which, atomically, because with several nodes no
 * process can know alone what is free. Every store passes the same suite (`conformance.ts`); `memory` is its reference.
 *
 * Invariants that every store keeps:
 *  S1  A promise that resolved stays true after a crash of process and operating system (not for `memory`).
 *  S2  A task has at most one live claim; `finish` takes effect only with the lease of the live claim.
 *  S3  Exactly one ending is recorded per task (until it is redriven).
 *  S4  Dispatch order within a queue: priority (higher first), fairness start tag, submission. A task that returns keeps
 *      its place.
 *  S5  Counts always agree with the tasks: they change in the same commit.
 *  S6  A rejected promise of a mutating verb means: nothing of it is visible, now or later; the store must be reopened
 *      (`StoreFailedError`). Expected refusals are outcomes, not rejections.
 */
import type {
  AttemptRecord,
  EndState,
  NewTask,
  RetryPolicy,
  TaskError,
  TaskResult,
  TaskState,
  Transition,
} from "../core/task.ts";

/** What `open` found. */
export interface StoreStart {
  /** Number of this start, greater than that of every earlier one. Leases are made from it, see `core/lease.ts`. */
  readonly epoch: number;
  /**
   * The last user of the data did not close it, so leases of its epoch may still be held by analyzers: hold dispatch for
   * the resume grace, then call `beginDispatch`. False: dispatch may begin at once.
   */
  readonly leasesMayBeHeld: boolean;
}

/** What became of a task given to `insert`. */
export type InsertOutcome =
  | { readonly kind: "accepted" }
  /** The id is taken; `spec` is what it was submitted with. The caller tells a duplicate from a conflict. */
  | { readonly kind: "exists"; readonly spec: Uint8Array }
  /** The queue's limit of waiting tasks or bytes, or the limit of queues. */
  | { readonly kind: "full"; readonly limit: "max_waiting" | "max_waiting_bytes" | "max_queues" };

/** A task that was claimed for delivery. */
export interface ClaimedTask {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  /** The lease this claim was made with. */
  readonly lease: number;
  /** Attempts charged so far; the attempt now starting is one more. */
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Wall clock, milliseconds since 1970. */
  readonly submittedMs: number;
  readonly spec: Uint8Array;
}

/** A lease that an analyzer says it holds from an earlier stream, unknown to the engine of this epoch. */
export interface HeldClaim {
  readonly lease: number;
  readonly taskId: string;
  /** Number of the attempt as delivered, from 1. */
  readonly attempt: number;
}

/** What became of a held claim. */
export type AdoptOutcome =
  /** It is claimed again under the same lease. */
  | { readonly kind: "adopted"; readonly task: ClaimedTask }
  /** This very lease has recorded the task's ending. */
  | { readonly kind: "recorded" }
  /** Anything else: ended otherwise, given to somebody else, or from an epoch older than the last that dispatched. */
  | { readonly kind: "lost" };

/** The end of a lease. */
export interface Finish {
  readonly lease: number;
  readonly transition: Transition;
  /** Who held the lease, for the record. */
  readonly analyzerId: string;
  /** When it was delivered, wall clock, milliseconds since 1970. */
  readonly startMs: number;
  /** When it ended, wall clock, milliseconds since 1970. */
  readonly endMs: number;
}

/** Whether a finish took effect. `stale`: the lease is not live, nothing was recorded. */
export type FinishOutcome = "accepted" | "stale";

/** A task as kept by the store. */
export interface StoredTask {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly priority: number;
  readonly state: TaskState;
  /** Wall clock, milliseconds since 1970, as all times here. */
  readonly submittedMs: number;
  /** SCHEDULED, RETRYING: when it becomes PENDING; else 0. */
  readonly dueMs: number;
  /** Ended by a lease: when the last attempt was delivered; else 0. */
  readonly startMs: number;
  /** Ended: when; else 0. */
  readonly endMs: number;
  /** Attempts charged so far. */
  readonly attempts: number;
  /** Ended by a lease: who held it; else empty. The engine knows who holds the live ones. */
  readonly analyzerId: string;
  /** RUNNING: the lease of the live claim; else 0. */
  readonly lease: number;
  /** COMPLETED only. */
  readonly result?: TaskResult;
  /** Failed attempts, oldest first, at most MAX_HISTORY. */
  readonly history: readonly AttemptRecord[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly spec: Uint8Array;
}

/** Which tasks to list; what is set must match. */
export interface TaskFilter {
  readonly queue?: string;
  /** Empty or unset: every state. */
  readonly states?: readonly TaskState[];
  readonly type?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Submitted at or after. */
  readonly fromMs?: number;
  /** Submitted before. */
  readonly untilMs?: number;
}

/** Asks for one page. */
export interface ListQuery {
  readonly filter: TaskFilter;
  /** At most this many tasks, at least 1. */
  readonly limit: number;
  /** Look at no more than this many records; the page may then be short, or empty, with a cursor. */
  readonly scanLimit: number;
  readonly newestFirst: boolean;
  /** From the previous page of the same query; opaque text. A malformed one throws `InvalidCursorError`. */
  readonly cursor?: string;
}

/**
 * One page. Order: with a single queue and a single ended state by end time; SCHEDULED or RETRYING by due time; PENDING in
 * dispatch order; else by id, which for UUIDv7 is the time of submission.
 */
export interface ListPage {
  readonly tasks: readonly StoredTask[];
  /** Unset: this was the last page. Stays valid while tasks come, go and change state. */
  readonly cursor?: string;
}

/** Durable settings of a queue. */
export interface QueueSettings {
  readonly paused: boolean;
  /** Tasks that an analyzer which returns is owed at most. */
  readonly maxLag: number;
  /** Tasks that an analyzer may be ahead of its share; 0 = unlimited. */
  readonly maxLead: number;
  readonly holdMs: number;
  /** Tasks that have not ended. */
  readonly maxWaiting: number;
  /** Bytes (of specs) of tasks that have not ended. */
  readonly maxWaitingBytes: number;
  /** Completed and cancelled tasks. */
  readonly retentionMs: number;
  readonly retentionCount: number;
  /** Dead letters. */
  readonly deadRetentionMs: number;
  readonly deadRetentionCount: number;
}

/** Settings of a queue that was never set. */
export const DEFAULT_QUEUE_SETTINGS: QueueSettings = {
  paused: false,
  maxLag: 100,
  maxLead: 0,
  holdMs: 1000,
  maxWaiting: 20_000_000,
  maxWaitingBytes: 17_179_869_184,
  retentionMs: 86_400_000,
  retentionCount: 200_000,
  deadRetentionMs: 2_592_000_000,
  deadRetentionCount: 200_000,
};

/** Tasks of a queue by state. */
export type StateCounts = Readonly<Record<TaskState, number>>;

/** A queue as the store knows it. */
export interface QueueSnapshot {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly counts: StateCounts;
  /** Bytes of the specs of all tasks that have not ended. */
  readonly waitingBytes: number;
  /** When the first task in dispatch order that no one has claimed was submitted; 0 when there is none. */
  readonly headSubmittedMs: number;
}

/** What became of one id given to `cancel`. */
export type CancelOutcome =
  /** It was waiting and has ended CANCELLED. */
  | { readonly kind: "cancelled" }
  /**
   * It runs under this lease. The wish is durable: should the lease end in any way but COMPLETED, FAILED or CANCELLED, or the node
   * restart, the store ends the task CANCELLED instead of returning it to PENDING or RETRYING.
   */
  | { readonly kind: "running"; readonly lease: number }
  | { readonly kind: "ended" }
  | { readonly kind: "unknown" };

/** What became of one id given to `redrive` or `purge`: done, or the task is not in a state that allows it, or unknown. */
export type OperationOutcome = "done" | "refused" | "unknown";

/** What `due` did. */
export interface DueOutcome {
  /** Queues in which tasks became PENDING. */
  readonly queues: readonly string[];
  /** How many tasks became PENDING. */
  readonly moved: number;
  /** When the next one is due, wall clock; undefined when none waits for a time. In the past when `limit` was reached. */
  readonly nextDueMs: number | undefined;
}

/** Durable storage of tasks. See the top of this file for the invariants. */
export interface Store {
  /** For people and metrics. */
  readonly kind: "memory" | "lmdb" | "postgres";

  /** Opens the data. Call once, before anything else. */
  open(): Promise<StoreStart>;

  /** Reserves a further epoch for this start, for when the lease numbers of the first are used up. */
  nextEpoch(): Promise<number>;

  /** Records durably that this epoch starts to dispatch: held leases of earlier epochs can no longer be adopted. */
  beginDispatch(): Promise<void>;

  /** Adds tasks. One outcome per task in order; the ids within one call may repeat (the later one `exists`). */
  insert(tasks: readonly NewTask[], nowMs: number): Promise<InsertOutcome[]>;

  /** How many tasks `claim` could return now for this queue: exact for one node, a hint for many. Paused is not considered. */
  readyHint(queue: string): number;

  /** Claims up to `count` PENDING tasks in dispatch order under the leases firstLease, firstLease + 1, ... */
  claim(queue: string, firstLease: number, count: number): Promise<ClaimedTask[]>;

  /** Takes back leases that analyzers hold from an earlier epoch. One outcome per lease in order. */
  adopt(held: readonly HeldClaim[]): Promise<AdoptOutcome[]>;

  /** Ends leases. One outcome per finish in order; two finishes of one lease in one call: the first wins. */
  finish(finishes: readonly Finish[]): Promise<FinishOutcome[]>;

  /** Moves up to `limit` SCHEDULED and RETRYING tasks whose time has come to PENDING. */
  due(nowMs: number, limit: number): Promise<DueOutcome>;

  /** One task, or undefined. */
  get(id: string): Promise<StoredTask | undefined>;

  /** A page of tasks. */
  list(query: ListQuery): Promise<ListPage>;

  /** Cancels tasks. One outcome per id in order. */
  cancel(ids: readonly string[], nowMs: number): Promise<CancelOutcome[]>;

  /**
   * Returns FAILED and CANCELLED tasks to PENDING in their original place with no attempts charged; the history is kept.
   * `dueMs(i)` > nowMs makes the i-th one SCHEDULED until then.
   */
  redrive(ids: readonly string[], nowMs: number, dueMs: (index: number) => number): Promise<OperationOutcome[]>;

  /** Deletes ended tasks. One outcome per id in order. */
  purge(ids: readonly string[]): Promise<OperationOutcome[]>;

  /** Deletes up to `limit` ended tasks that their queue's retention no longer keeps. Returns how many. */
  expire(nowMs: number, limit: number): Promise<number>;

  /** All queues, by name. */
  queues(): Promise<QueueSnapshot[]>;

  /** Changes settings of a queue and creates it if needed. Returns all its settings; undefined at MAX_QUEUES. */
  configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueSettings | undefined>;

  /** Bytes that can still be written, free pages of its own included. Stores without a disk of their own do not have it. */
  freeBytes?(): Promise<number>;

  /**
   * Tells of work that became ready other than by this engine's own calls (another node's submit). Stores for one node
   * never call it.
   */
  onWake(listener: (queue: string) => void): void;

  /** Finishes what was begun, marks the data as closed, releases it. Idempotent. All claims must have been finished. */
  close(): Promise<void>;
}

/** The storage failed in a way after which nothing it says can be trusted: the process must stop. */
export class StoreFailedError extends Error {
  override readonly name = "StoreFailedError";
}

/** The data cannot be opened: locked by another process, damaged, of an unknown version, not writable. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}

/** A page cursor that this store did not make. */
export class InvalidCursorError extends Error {
  override readonly name = "InvalidCursorError";
}

/** Re-exported for stores: the end states and errors they record. */
export type { EndState, TaskError };
