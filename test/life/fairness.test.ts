import type { Analyzer, TaskInput } from "@sluice/client";
import { expect, it } from "vitest";
import { describeOnEveryStore, type Stage } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

function tasksOf(fairnessKey: string, count: number, input: TaskInput = {}): TaskInput[] {
  return Array.from({ length: count }, () => ({ queue: "q", fairnessKey, ...input }));
}

/** An analyzer that gets one task at a time: the order of its tasks is that of dispatch. */
async function oneByOne(stage: Stage): Promise<{ readonly jobs: Jobs; readonly analyzer: Analyzer }> {
  const jobs = new Jobs();
  return { jobs, analyzer: await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler }) };
}

/** Works on the next tasks and says whose they were. */
async function serve(jobs: Jobs, count: number): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length < count) {
    const { task, finish } = await jobs.next();
    keys.push(task.fairnessKey);
    finish();
  }
  return keys;
}

function count(keys: readonly string[], key: string): number {
  return keys.filter((candidate) => candidate === key).length;
}

describeOnEveryStore("fairness keys", (start) => {
  it("let 10 tasks of one key pass another key's 100,000 within 40 deliveries", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submitMany(tasksOf("a", 100_000));
    const { jobs } = await oneByOne(stage);
    await serve(jobs, 20);
    await emitter.submitMany(tasksOf("b", 10));
    expect(count(await serve(jobs, 40), "b")).toBe(10);
  });

  it("with weights 3 and 1 share dispatch 3 to 1", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submitMany(tasksOf("light", 200, { fairnessWeight: 1 }));
    await emitter.submitMany(tasksOf("heavy", 200, { fairnessWeight: 3 }));
    const { jobs } = await oneByOne(stage);
    const keys = await serve(jobs, 200);
    // One task each: what start-time fair queueing may be off.
    expect(Math.abs(count(keys, "heavy") - 150)).toBeLessThanOrEqual(1);
  });

  it("matter only inside of a priority", async () => {
    const stage = await start();
    const emitter = stage.emitter({ maxInFlightBatches: 1 });
    await emitter.submitMany([...tasksOf("a", 3, { priority: 5 }), ...tasksOf("b", 2), ...tasksOf("c", 2)]);
    const { jobs } = await oneByOne(stage);
    expect(await serve(jobs, 7)).toEqual(["a", "a", "a", "b", "c", "b", "c"]);
  });

  it("that are not named count as one", async () => {
    const stage = await start();
    const emitter = stage.emitter({ maxInFlightBatches: 1 });
    await emitter.submitMany([...tasksOf("", 4), ...tasksOf("a", 2)]);
    const { jobs } = await oneByOne(stage);
    expect(await serve(jobs, 6)).toEqual(["", "a", "", "a", "", ""]);
  });

  it("keep their places over a restart of the node", async () => {
    const stage = await start();
    await stage.emitter().submitMany(tasksOf("a", 50));
    const { jobs, analyzer } = await oneByOne(stage);
    await serve(jobs, 5);
    await analyzer.close();
    await stage.restart("closed");
    await stage.emitter().submitMany(tasksOf("b", 5));
    expect(count(await serve((await oneByOne(stage)).jobs, 20), "b")).toBe(5);
  });
});
