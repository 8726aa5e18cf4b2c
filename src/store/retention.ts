/**
 * Which ended tasks a queue's retention keeps. Completed and cancelled tasks share one retention, dead letters have their
 * own. Within each, the tasks that ended first go first.
 */
import type { EndState } from "../core/task.ts";
import type { QueueSettings } from "./port.ts";

/** Ended tasks that share a retention. */
export interface RetentionClass {
  readonly states: readonly EndState[];
  /** Kept for this long after their end. */
  readonly keepMs: (settings: QueueSettings) => number;
  /** Kept at most this many, the last to end. */
  readonly keepCount: (settings: QueueSettings) => number;
}

/** In the order in which `expire` visits them. */
export const RETENTION_CLASSES: readonly RetentionClass[] = [
  {
    states: ["COMPLETED", "CANCELLED"],
    keepMs: (settings) => settings.retentionMs,
    keepCount: (settings) => settings.retentionCount,
  },
  {
    states: ["FAILED"],
    keepMs: (settings) => settings.deadRetentionMs,
    keepCount: (settings) => settings.deadRetentionCount,
  },
];

/** Whether the task of a class that ended first must go, when `count` tasks of the class are there. */
export function isExpired(
  retention: RetentionClass,
  settings: QueueSettings,
  endMs: number,
  count: number,
  nowMs: number,
): boolean {
  return count > retention.keepCount(settings) || endMs + retention.keepMs(settings) <= nowMs;
}
