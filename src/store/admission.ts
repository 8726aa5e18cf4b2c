/**
 * What a store takes in: the limits of waiting tasks, and how many fairness keys are told apart.
 */
import type { InsertOutcome, QueueSettings } from "./port.ts";

/**
 * Fairness keys with a backlog that are told apart within a queue and priority: bounds what is remembered of them. Tasks
 * of further keys are placed as those without a key until V has caught up with others.
 */
export const MAX_FAIRNESS_KEYS = 100_000;
/** The fairness key of tasks that name none. */
export const SHARED_FAIRNESS_KEY = "";

/** The limit that one more task would break, if any. `waiting`: tasks of the queue that have not ended. */
export function brokenLimit(
  settings: QueueSettings,
  waiting: number,
  waitingBytes: number,
  specBytes: number,
): Extract<InsertOutcome, { kind: "full" }> | undefined {
  if (waiting >= settings.maxWaiting) return { kind: "full", limit: "max_waiting" };
  if (waitingBytes + specBytes > settings.maxWaitingBytes) return { kind: "full", limit: "max_waiting_bytes" };
  return undefined;
}
