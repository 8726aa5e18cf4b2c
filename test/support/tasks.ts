/**
 * Tasks for tests below the rpc floor: their spec is just the id, so that a delivery tells which task it is.
 */
import { DEFAULT_PRIORITY, DEFAULT_RETRY } from "../../src/core/limits.ts";
import type { NewTask } from "../../src/core/task.ts";
import type { Delivery } from "../../src/engine/frames.ts";

/** A UUID with the given number in it. */
export function taskId(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** A task for queue q with defaults for everything that is not given. */
export function makeTask(number: number, change: Partial<NewTask> = {}): NewTask {
  const id = taskId(number);
  return {
    id,
    queue: "q",
    type: "",
    priority: DEFAULT_PRIORITY,
    startAtMs: 0,
    timeoutMs: 0,
    retry: DEFAULT_RETRY,
    fairnessKey: "",
    fairnessWeight: 1,
    attributes: {},
    spec: new TextEncoder().encode(id),
    ...change,
  };
}

/** Tasks with the numbers from `first` on. */
export function makeTasks(count: number, first = 0, change: Partial<NewTask> = {}): NewTask[] {
  return Array.from({ length: count }, (_, index) => makeTask(first + index, change));
}

/** Number of the task in a delivery made from `makeTask`. */
export function taskNumber(delivery: Delivery): number {
  return Number.parseInt(new TextDecoder().decode(delivery.spec).slice(-12), 16);
}
