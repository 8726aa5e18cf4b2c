/**
 * Tasks of a simulation: a number says which, and their spec holds it, so that a delivery tells what it is of.
 */
import type { NewTask } from "../../src/core/task.ts";
import type { Delivery } from "../../src/engine/frames.ts";

/** The UUID of the task with this number. */
export function idOfTask(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** The spec of a task; another edition is other content under the same id. */
export function specOf(number: number, edition = 0): Uint8Array {
  return Uint8Array.of(number & 0xff, (number >>> 8) & 0xff, (number >>> 16) & 0xff, edition);
}

/** Number of the task in a delivery. */
export function numberIn({ spec }: Pick<Delivery, "spec">): number {
  return (spec[0] ?? 0) | ((spec[1] ?? 0) << 8) | ((spec[2] ?? 0) << 16);
}

/** Whether two specs say the same. */
export function isSameSpec(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A task of the given number; `change` says what is special about it. */
export function simTask(number: number, change: Omit<Partial<NewTask>, "id" | "spec">): NewTask {
  return {
    id: idOfTask(number),
    queue: "q0",
    type: "",
    priority: 4,
    startAtMs: 0,
    timeoutMs: 0,
    retry: { maxAttempts: 50, initialBackoffMs: 100, backoffFactor: 2, maxBackoffMs: 1000 },
    fairnessKey: "",
    fairnessWeight: 1,
    attributes: {},
    spec: specOf(number),
    ...change,
  };
}
