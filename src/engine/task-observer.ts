/**
 * Who is told of what happens to single tasks, for traces. A node without one pays nothing per task.
 */
import type { NewTask } from "../core/task.ts";
import type { ClaimedTask } from "../store/port.ts";

/** Told of single tasks. Must not throw. Times: wall clock, milliseconds since 1970. */
export interface TaskObserver {
  /** A task was committed, having been collected with others at `sinceMs`. */
  accepted(task: NewTask, sinceMs: number, nowMs: number): void;
  /** A task goes to an analyzer. Returns the trace that it belongs to, for the log. */
  delivered(task: ClaimedTask, analyzerId: string, nowMs: number): string | undefined;
}
