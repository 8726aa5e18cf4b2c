import { describe, expect, test } from "vitest";
import { startEngine, type TestEngine } from "../../test/support/engine.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import type { NewTask } from "../core/task.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { ListQuery } from "../store/port.ts";

async function submit({ engine, clock }: TestEngine, tasks: readonly NewTask[]): Promise<void> {
  await Promise.all([engine.submit(tasks), clock.settle()]);
}

/**
 * A node with a task in every state but CANCELLED: 0 COMPLETED, 1 FAILED, 2 RETRYING, 3 RUNNING, 4 SCHEDULED, 5 PENDING.
 */
async function nodeWithAllStates() {
  const node = await startEngine();
  const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ maxInFlight: 4 }, 4);
  await submit(node, [...makeTasks(4), makeTask(4, { startAtMs: node.clock.wallMs() + 60_000 }), makeTask(5)]);
  const [completed = 0, failed = 0, retrying = 0, running = 0] = analyzer.leases();
  analyzer.complete([completed], 0).fail(failed, true).fail(retrying);
  await node.clock.settle();
  return { ...node, analyzer, running };
}

async function states({ engine }: Pick<TestEngine, "engine">): Promise<string[]> {
  const { tasks } = await engine.list({ filter: { queue: "q" }, limit: 100, newestFirst: false });
  return tasks.map(({ state }) => state);
}

const ALL_STATES = ["COMPLETED", "FAILED", "RETRYING", "RUNNING", "SCHEDULED", "PENDING"];

describe("a look at a task", () => {
  test("shows of a running one who runs it, since when, and how far it is", async () => {
    const node = await nodeWithAllStates();
    const { engine, clock, analyzer, running } = node;
    const startMs = clock.wallMs();
    expect(await states(node)).toEqual(ALL_STATES);
    expect(await engine.get(taskId(3))).toMatchObject({ state: "RUNNING", analyzerId: "a", startMs });
    expect(await engine.get(taskId(3))).not.toHaveProperty("progress");
    await clock.advance(10);
    const progress = { lease: running, percent: 40, note: "page 2" };
    analyzer.frame({ progress: [progress] });
    expect(await engine.get(taskId(3))).toMatchObject({ analyzerId: "a", startMs, progress });
    const { tasks } = await engine.list({ filter: { states: ["RUNNING"] }, limit: 5, newestFirst: false });
    expect(tasks).toMatchObject([{ id: taskId(3), analyzerId: "a", progress }]);
  });

  test("shows nothing of the kind for one that waits, and nothing for an unknown one", async () => {
    const { engine } = await nodeWithAllStates();
    expect(await engine.get(taskId(5))).toMatchObject({ state: "PENDING", analyzerId: "", startMs: 0 });
    expect(await engine.get(taskId(99))).toBeUndefined();
  });
});

describe("a list", () => {
  test("comes in pages, the last of which has no cursor", async () => {
    const { engine } = await nodeWithAllStates();
    const query = { filter: { queue: "q" }, limit: 4, newestFirst: false };
    const first = await engine.list(query);
    const { cursor = "" } = first;
    const last = await engine.list({ ...query, cursor });
    expect([...first.tasks, ...last.tasks].map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5].map(taskId));
    expect(last).not.toHaveProperty("cursor");
  });

  test("has at most 1,000 tasks on a page", async () => {
    const node = await startEngine();
    await submit(node, makeTasks(1001));
    const query = { filter: {}, limit: 5000, newestFirst: false };
    expect((await node.engine.list(query)).tasks).toHaveLength(1000);
  });

  test("refuses a page token that is not its own, and does not hide what else goes wrong", async () => {
    class FailingStore extends MemoryStore {
      override async list(query: ListQuery) {
        if (query.filter.queue === "broken") throw new Error("the disk is gone");
        return super.list(query);
      }
    }
    const { engine } = await startEngine({ store: new FailingStore() });
    const query = { filter: {}, limit: 4, newestFirst: false };
    await expect(engine.list({ ...query, cursor: "made up" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(engine.list({ ...query, filter: { queue: "broken" } })).rejects.toThrow("the disk is gone");
  });
});

describe("a cancel", () => {
  test("by filter means all that has not ended, and only that", async () => {
    const node = await nodeWithAllStates();
    const counts = await node.engine.cancel({ filter: { queue: "q" }, limit: 100 });
    expect(counts).toEqual({ done: 3, requested: 1, skipped: 0, more: false });
    expect(await states(node)).toEqual(["COMPLETED", "FAILED", "CANCELLED", "RUNNING", "CANCELLED", "CANCELLED"]);
  });

  test("by a filter that names states means those", async () => {
    const node = await nodeWithAllStates();
    const filter = { queue: "q", states: ["SCHEDULED", "COMPLETED"] as const };
    const counts = await node.engine.cancel({ filter, limit: 100 });
    expect(counts).toEqual({ done: 1, requested: 0, skipped: 1, more: false });
    expect(await states(node)).toEqual(ALL_STATES.map((state) => (state === "SCHEDULED" ? "CANCELLED" : state)));
  });

  test("by ids counts each task once, and skips what has ended or is unknown", async () => {
    const node = await nodeWithAllStates();
    const ids = [5, 5, 3, 3, 0, 99].map(taskId);
    expect(await node.engine.cancel({ ids })).toEqual({ done: 1, requested: 1, skipped: 2, more: false });
  });

  test("of a running task asks its analyzer once, however often it is repeated", async () => {
    const { engine, clock, analyzer, running } = await nodeWithAllStates();
    await engine.cancel({ ids: [taskId(3)] });
    await engine.cancel({ ids: [taskId(3)] });
    await clock.settle();
    expect(analyzer.cancels).toEqual([{ lease: running, reason: "CANCELLED" }]);
  });

  test("that reaches a running task whose result is on its way ends nothing twice", async () => {
    const { engine, clock, analyzer, running, failures } = await nodeWithAllStates();
    analyzer.complete([running], 0);
    await engine.cancel({ ids: [taskId(3)] });
    await clock.settle();
    expect((await engine.get(taskId(3)))?.state).toBe("COMPLETED");
    expect(analyzer.accepted).toContain(running);
    expect(failures).toEqual([]);
  });
});

describe("an operation by filter", () => {
  test("goes through any number of pages, up to its limit, and says whether more tasks match", async () => {
    const node = await startEngine();
    await submit(node, makeTasks(2600));
    const cancel = (limit: number) => node.engine.cancel({ filter: { queue: "q" }, limit });
    expect(await cancel(2500)).toEqual({ done: 2500, requested: 0, skipped: 0, more: true });
    expect(await node.engine.get(taskId(2499))).toMatchObject({ state: "CANCELLED" });
    expect(await node.engine.get(taskId(2500))).toMatchObject({ state: "PENDING" });
    expect(await cancel(99)).toMatchObject({ done: 99, more: true });
    expect(await cancel(1)).toMatchObject({ done: 1, more: false });
    expect(await cancel(1)).toMatchObject({ done: 0, more: false });
  });

  test("says so too when the rest is in another state", async () => {
    const node = await nodeWithAllStates();
    const cancel = (limit: number) => node.engine.cancel({ filter: { queue: "q" }, limit });
    expect(await cancel(1)).toMatchObject({ done: 1, more: true });
    expect(await cancel(3)).toMatchObject({ done: 2, requested: 1, more: false });
  });

  test("changes at most 10,000 tasks", async () => {
    const node = await startEngine();
    await submit(node, makeTasks(10_001));
    const counts = await node.engine.cancel({ filter: { queue: "q" }, limit: 1_000_000 });
    expect(counts).toMatchObject({ done: 10_000, more: true });
  });
});

describe("a redrive", () => {
  test("by filter means dead letters, unless the filter names other states", async () => {
    const node = await nodeWithAllStates();
    await node.engine.cancel({ ids: [taskId(5)] });
    const redriven = await node.engine.retry({ filter: { queue: "q" }, limit: 100 }, 0);
    expect(redriven).toEqual({ done: 1, requested: 0, skipped: 0, more: false });
    expect((await states(node))[5]).toBe("CANCELLED");
    const filter = { queue: "q", states: ["CANCELLED"] as const };
    expect(await node.engine.retry({ filter, limit: 100 }, 0)).toMatchObject({ done: 1, skipped: 0 });
    expect(await states(node)).toEqual(["COMPLETED", "PENDING", "RETRYING", "RUNNING", "SCHEDULED", "PENDING"]);
  });

  test("skips what is not a dead letter, and dispatches the rest at once", async () => {
    const { engine, clock, analyzer } = await nodeWithAllStates();
    analyzer.credit(2);
    await clock.settle();
    expect(await engine.retry({ ids: [0, 1, 3, 99].map(taskId) }, 0)).toMatchObject({ done: 1, skipped: 3 });
    await clock.settle();
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0, 1, 2, 3, 5, 1]);
  });

  test("at a rate lets the first go at once and each other one after its interval", async () => {
    const node = await startEngine();
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ maxInFlight: 20 }, 3);
    await submit(node, makeTasks(3));
    for (const lease of analyzer.leases()) analyzer.fail(lease, true);
    await node.clock.settle();
    analyzer.credit(10);
    await node.engine.retry({ filter: { queue: "q" }, limit: 100 }, 4);
    const redelivered = () => analyzer.deliveries.length - 3;
    await node.clock.settle();
    expect(redelivered()).toBe(1);
    await node.clock.advance(249);
    expect(redelivered()).toBe(1);
    await node.clock.advance(1);
    expect(redelivered()).toBe(2);
    await node.clock.advance(250);
    expect(redelivered()).toBe(3);
  });
});

describe("a purge", () => {
  test("by filter means all that has ended, and only that", async () => {
    const node = await nodeWithAllStates();
    await node.engine.cancel({ ids: [taskId(5)] });
    const counts = await node.engine.purge({ filter: { queue: "q" }, limit: 100 });
    expect(counts).toEqual({ done: 3, requested: 0, skipped: 0, more: false });
    expect(await states(node)).toEqual(["RETRYING", "RUNNING", "SCHEDULED"]);
  });

  test("by ids skips what has not ended", async () => {
    const node = await nodeWithAllStates();
    expect(await node.engine.purge({ ids: [0, 5, 99].map(taskId) })).toMatchObject({ done: 1, skipped: 2 });
    expect(await states(node)).toEqual(ALL_STATES.slice(1));
  });
});
