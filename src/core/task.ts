/**
 * The words of the domain as types: what a task is, where it is in its life, and what can end an attempt.
 *
 * Responsible for: types only. The rules that use them are in `lifecycle.ts`.
 */

/** Where a task is in its life. The last three are its endings. */
export type TaskState = "PENDING" | "SCHEDULED" | "RUNNING" | "RETRYING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** The states in which a task has ended. */
export type EndState = "COMPLETED" | "FAILED" | "CANCELLED";

/** How failed attempts are repeated. Every field is set: the adapter that decodes a task fills in the defaults. */
export interface RetryPolicy {
  /** Attempts in all, the first one included; at least 1. */
  readonly maxAttempts: number;
  /** Upper bound of the wait after the first failed attempt. */
  readonly initialBackoffMs: number;
  /** Growth of that bound with each further failed attempt; at least 1. */
  readonly backoffFactor: number;
  /** The bound grows no further than this. */
  readonly maxBackoffMs: number;
}

/** A validated task on its way into the store. */
export interface NewTask {
  /** UUID, canonical lower-case form. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Chooses the handler in an analyzer; may be empty. */
  readonly type: string;
  /** 0 to 9, the higher number first. */
  readonly priority: number;
  /** Not before this wall-clock time in milliseconds since 1970; 0 = at once. */
  readonly startAtMs: number;
  /** Longest run of one attempt; 0 = no limit. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Tenant, customer or source; empty = the key shared by all tasks without one. */
  readonly fairnessKey: string;
  /** Weight of the fairness key; greater than 0. */
  readonly fairnessWeight: number;
  /** Labels, for filters. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The encoded `sluice.v1.TaskSpec`, complete with id and queue: opaque below the rpc floor, spliced into deliveries. */
  readonly spec: Uint8Array;
}

/** What went wrong with one attempt. */
export interface TaskError {
  /** Short code for programs, such as TIMEOUT or ANALYZER_LOST. */
  readonly code: string;
  /** What happened, for people. */
  readonly message: string;
  /** Anything else the handler wants kept; may be empty. */
  readonly details: Uint8Array;
}

/** What a completed task returned. */
export interface TaskResult {
  readonly output: Uint8Array;
  /** MIME type of the output; may be empty. */
  readonly contentType: string;
}

/** How an attempt ended, as seen by the engine. */
export type Outcome =
  /** The analyzer returned a result. */
  | { readonly kind: "success"; readonly result: TaskResult }
  /** The analyzer reported an error, or the attempt ran into its timeout. */
  | { readonly kind: "failure"; readonly error: TaskError; readonly nonRetryable: boolean }
  /** The analyzer died, stalled or forgot the lease: charges an attempt, returns in place without backoff. */
  | { readonly kind: "lost"; readonly error: TaskError }
  /** The analyzer handed it back unstarted, or a drain did: charges nothing. */
  | { readonly kind: "released" };

/** What the store must record when a lease ends. Decided by `lifecycle.ts`, carried out by `Store.finish`. */
export type Transition =
  | { readonly to: "COMPLETED"; readonly result: TaskResult }
  /** Dead letter; the attempt is charged. */
  | { readonly to: "FAILED"; readonly error: TaskError }
  /** Waits until `dueMs` (wall clock), then PENDING in its original place; the attempt is charged. */
  | { readonly to: "RETRYING"; readonly dueMs: number; readonly error: TaskError }
  /** PENDING in its original place at once; the attempt is charged if an error is given. */
  | { readonly to: "PENDING"; readonly error?: TaskError }
  | { readonly to: "CANCELLED" };

/** One failed attempt, as kept in a task's history. */
export interface AttemptRecord {
  /** From 1. */
  readonly number: number;
  readonly analyzerId: string;
  /** Wall clock, milliseconds since 1970. */
  readonly startMs: number;
  /** Wall clock, milliseconds since 1970. */
  readonly endMs: number;
  readonly error: TaskError;
}
