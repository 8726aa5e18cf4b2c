/**
 * Recent tasks stay within their bounds.
 */
import { expect, it } from "vitest";
import { newTask, taskId } from "../conformance/tasks.ts";
import { newTaskPosition } from "../positions.ts";
import { factsOf } from "../record.ts";
import { newQueueRecord, QueueState } from "./queue-state.ts";
import { RecentTasks } from "./recent-tasks.ts";
import type { ReadTask } from "./task-records.ts";

const queue = new QueueState(0, newQueueRecord("logs"));
const key = (n: number): string => newTaskPosition(taskId(n));

function readTask(n: number, specBytes: number): ReadTask {
  const place = { task: key(n), queue, position: "", sequence: n, specBytes };
  return { facts: factsOf(newTask(n), 1, 0, n), place };
}

it("gives a task once", () => {
  const recent = new RecentTasks();
  const task = readTask(1, 10);
  recent.add(task);
  expect([recent.take(key(1)), recent.take(key(1)), recent.take(key(2))]).toEqual([task, undefined, undefined]);
});

it.each([
  ["many", 5000, 1, 4096],
  ["large", 20, 1_048_576, 16],
])("lets go of the oldest when they are too %s", (_, count, specBytes, most) => {
  const recent = new RecentTasks();
  for (let n = 0; n < count; n++) recent.add(readTask(n, specBytes));
  const found = Array.from({ length: count }, (_, n) => n).filter((n) => recent.take(key(n)) !== undefined);
  expect(found.length).toBeLessThanOrEqual(most);
  expect(found.length).toBeGreaterThanOrEqual(most / 2);
  expect(found).toEqual(Array.from(found, (_, index) => count - found.length + index));
});

it("counts a task once that is inserted again under its id", () => {
  const recent = new RecentTasks();
  for (let count = 0; count < 100; count++) recent.add(readTask(1, 1_048_576));
  recent.add(readTask(2, 1));
  expect(recent.take(key(1))).toBeDefined();
});
