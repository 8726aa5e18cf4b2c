/**
 * An operator changes weights while analyzers of the SDK are at work: shares and windows follow, without a pause. Shares are
 * counted where it matters, at the start of handlers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Admin, Analyzer, type AnalyzerEvent, Emitter, type TaskInput } from "@sluice/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startNode, type TestNode } from "../support/node.ts";

const QUEUE = "weighed";
const TASKS = 4000;
/** Handler starts over which a share is judged. */
const COUNTED = 1000;
const HANDLER_MS = 2;
/** Most that a share may be off. */
const POINTS = 2;

let node: TestNode;
let admin: Admin;
let analyzers: Analyzer[];
/** Ids of analyzers in the order in which their handlers started. */
let starts: string[];
let events: AnalyzerEvent[];

beforeEach(async () => {
  node = await startNode();
  admin = new Admin({ address: node.address });
  starts = [];
  events = [];
  analyzers = ["a", "b"].map(
    (id) =>
      new Analyzer({
        address: node.address,
        id,
        queues: QUEUE,
        weight: 1,
        handlers: async () => {
          starts.push(id);
          await sleep(HANDLER_MS);
        },
        onEvent: (event) => events.push(event),
      }),
  );
});

afterEach(async () => {
  await Promise.all(analyzers.map((analyzer) => analyzer.close()));
  await admin.close();
  await node[Symbol.asyncDispose]();
  expect(node.faults).toEqual([]);
});

/** All work is there before anybody asks for it, so that nobody ever waits for tasks. */
async function fillQueue(): Promise<void> {
  await admin.pauseQueue(QUEUE);
  await using emitter = new Emitter({ address: node.address });
  const tasks = Array.from({ length: TASKS }, (): TaskInput => ({ queue: QUEUE }));
  expect((await emitter.submitMany(tasks)).accepted).toBe(TASKS);
}

/** The part of analyzer a, in percent, of the next starts after what the windows still held was started. */
async function nextShare(): Promise<number> {
  const inWindows = analyzers.reduce((sum, { stats }) => sum + stats.concurrency, 0);
  const from = starts.length + inWindows;
  await vi.waitFor(() => expect(starts.length).toBeGreaterThanOrEqual(from + COUNTED), {
    timeout: 15_000,
    interval: 5,
  });
  const counted = starts.slice(from, from + COUNTED);
  return (100 * counted.filter((id) => id === "a").length) / COUNTED;
}

test("a change of weights while running holds for the next tasks, up and down", { timeout: 60_000 }, async () => {
  await fillQueue();
  await Promise.all(analyzers.map((analyzer) => analyzer.start()));
  await admin.resumeQueue(QUEUE);
  expect(Math.abs((await nextShare()) - 50)).toBeLessThanOrEqual(POINTS);

  await admin.setWeight("a", 3);
  expect(Math.abs((await nextShare()) - 75)).toBeLessThanOrEqual(POINTS);
  expect(analyzers.map(({ stats }) => [stats.weight, stats.concurrency])).toEqual([
    [3, 30],
    [1, 10],
  ]);

  await Promise.all([admin.setWeight("a", 1), admin.setWeight("b", 3)]);
  expect(Math.abs((await nextShare()) - 25)).toBeLessThanOrEqual(POINTS);
  expect(starts.length).toBeLessThan(TASKS);
  expect(events.filter(({ kind }) => kind === "weightChanged")).toEqual([
    { kind: "weightChanged", weight: 3, concurrency: 30 },
    { kind: "weightChanged", weight: 1, concurrency: 10 },
    { kind: "weightChanged", weight: 3, concurrency: 30 },
  ]);
});
