/**
 * The life of a task: what the end of a lease leads to, and which moves between states exist.
 *
 *      submit                     claim                 success
 *   ----------> PENDING --------------------> RUNNING ----------> COMPLETED
 *     |          ^  ^ ^   released, lost        | | |
 *     |      due |  | +-------------------------+ | |  attempts used up, or non-retryable
 *     v          |  |                             | +-----------------------------------> FAILED
 *   SCHEDULED ---+  | due                         |
 *                   |              failure        |
 *                   +----- RETRYING <-------------+
 *
 *   SCHEDULED, PENDING, RUNNING, RETRYING -- cancel --> CANCELLED
 *   FAILED, CANCELLED -- redrive --> PENDING, or SCHEDULED when spread over time
 *
 * Invariants:
 *  C1  Of the ways a lease can end, success and release charge no attempt, the others charge one.
 *  C2  A task that is to be cancelled ends CANCELLED however its lease ends: nobody is surprised by a result of a task that
 *      they were told is being cancelled, and it never runs again.
 */
import { backoffMs } from "./backoff.ts";
import type { EndState, Outcome, RetryPolicy, TaskError, TaskState, Transition } from "./task.ts";

/** What of a task decides how it goes on. */
export interface LeasedTask {
  /** Attempts charged before the one that ends now. */
  readonly attempts: number;
  readonly retry: RetryPolicy;
}

/**
 * What the store must record when a lease ends. `nowMs` is wall clock; `random` gives numbers from 0 up to, but not
 * including, 1.
 */
export function decide(
  outcome: Outcome,
  task: LeasedTask,
  cancelRequested: boolean,
  nowMs: number,
  random: () => number,
): Transition {
  if (cancelRequested) return { to: "CANCELLED" };
  switch (outcome.kind) {
    case "success":
      return { to: "COMPLETED", result: outcome.result };
    case "failure":
      return outcome.nonRetryable ? { to: "FAILED", error: outcome.error } : retry(outcome.error, task, nowMs, random);
    case "lost":
      // No backoff: it says nothing about the task that its analyzer died, and the next one is ready.
      return isLastAttempt(task) ? { to: "FAILED", error: outcome.error } : { to: "PENDING", error: outcome.error };
    case "released":
      return { to: "PENDING" };
  }
}

function retry(error: TaskError, task: LeasedTask, nowMs: number, random: () => number): Transition {
  if (isLastAttempt(task)) return { to: "FAILED", error };
  return { to: "RETRYING", dueMs: nowMs + backoffMs(task.retry, task.attempts + 1, random), error };
}

function isLastAttempt(task: LeasedTask): boolean {
  return task.attempts + 1 >= task.retry.maxAttempts;
}

const MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  PENDING: ["RUNNING", "CANCELLED"],
  SCHEDULED: ["PENDING", "CANCELLED"],
  RUNNING: ["PENDING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"],
  RETRYING: ["PENDING", "CANCELLED"],
  COMPLETED: [],
  FAILED: ["PENDING", "SCHEDULED"],
  CANCELLED: ["PENDING", "SCHEDULED"],
};

/** Whether a task may go from one state straight to another. Staying is not a move. */
export function isLegalMove(from: TaskState, to: TaskState): boolean {
  return MOVES[from].includes(to);
}

/** Whether a task in this state has ended. */
export function isEnded(state: TaskState): state is EndState {
  return state === "COMPLETED" || state === "FAILED" || state === "CANCELLED";
}
