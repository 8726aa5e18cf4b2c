/**
 * Tasks for tests, without any test tool.
 */
import { DEFAULT_RETRY } from "../../core/limits.ts";
import type { NewTask, TaskError } from "../../core/task.ts";

/** The time of inserts unless a test says otherwise. */
export const NOW_MS = 1_700_000_000_000;
export const QUEUE = "logs";
export const ERROR: TaskError = { code: "BOOM", message: "it broke", details: Uint8Array.of(1, 2, 255) };
export const RESULT = { output: Uint8Array.of(9, 8, 7), contentType: "text/plain" };

/** Id of the n-th task of a test; ids order like n. */
export function taskId(n: number): string {
  return `0190a1b2-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** A task with defaults for everything. */
export function newTask(n: number, change: Partial<NewTask> = {}): NewTask {
  return {
    id: taskId(n),
    queue: QUEUE,
    type: "parse",
    priority: 4,
    startAtMs: 0,
    timeoutMs: 30_000,
    retry: DEFAULT_RETRY,
    fairnessKey: "",
    fairnessWeight: 1,
    attributes: {},
    spec: Uint8Array.from({ length: 10 + (n % 7) }, (_, index) => (n + index) % 256),
    ...change,
  };
}

/** The n of a task that `newTask` made. */
export function numberOf(task: { readonly id: string }): number {
  return Number.parseInt(task.id.slice(-12), 16);
}
