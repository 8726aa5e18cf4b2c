import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { StoredTask } from "../store/port.ts";
import { MAX_FRAME_BYTES } from "./settings.ts";

describe("a submit", () => {
  test("is answered only after the commit", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    gated.shut();
    let isAnswered = false;
    const answer = engine.submit([makeTask(1)]).then((outcomes) => {
      isAnswered = true;
      return outcomes;
    });
    await clock.settle();
    expect(isAnswered).toBe(false);
    gated.open();
    await clock.settle();
    expect(await answer).toEqual([{ kind: "accepted" }]);
  });

  test("of the same id is a conflict unless the content is the same", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const [outcomes] = await Promise.all([
      engine.submit([makeTask(1, { spec: new TextEncoder().encode("other") })]),
      clock.settle(),
    ]);
    expect(outcomes).toEqual([{ kind: "conflict" }]);
  });

  test("beyond a limit of the queue is refused task by task, with a hint", async () => {
    const { engine, clock } = await startEngine();
    await engine.configureQueue("q", { maxWaiting: 2 });
    const [outcomes] = await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "accepted", "full"]);
    expect(outcomes[2]).toMatchObject({ retryAfterMs: 1000 });
  });

  test("while too much is uncommitted is refused with a hint", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    gated.shut();
    const spec = new Uint8Array(40 * 1024 * 1024);
    const first = engine.submit([makeTask(1, { spec })]);
    await expect(engine.submit([makeTask(2, { spec })])).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      retryAfterMs: 100,
    });
    await clock.settle();
    gated.open();
    await clock.settle();
    expect(await first).toEqual([{ kind: "accepted" }]);
  });
});

describe("time", () => {
  test("a delayed task is delivered at its time and not before", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 5);
    const startAtMs = clock.wallMs() + 10_000;
    await Promise.all([engine.submit([makeTask(1, { startAtMs })]), clock.settle()]);
    await clock.advance(9_999);
    expect(analyzer.deliveries).toHaveLength(0);
    analyzer.frame({});
    await clock.advance(50);
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("an attempt over its timeout is cancelled, charged and retried; its late result is stale", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1, { timeoutMs: 2000 })]), clock.settle()]);
    await clock.advance(1990);
    expect(analyzer.cancels).toEqual([]);
    await clock.advance(20);
    const [lease = 0] = analyzer.leases();
    expect(analyzer.cancels).toEqual([{ lease, reason: "TIMEOUT" }]);
    analyzer.complete([lease], 1);
    await clock.advance(1000);
    expect(analyzer.stale).toEqual([lease]);
    expect(analyzer.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await engine.get(taskId(1)))?.history[0]?.error.code).toBe("TIMEOUT");
  });

  test("a delivery that waits for a slow reader until its timeout goes back uncharged, and so does its credit", async () => {
    const { engine, clock } = await startEngine();
    const slow = new ScriptedAnalyzer(engine, "slow").hello({}, 2);
    await clock.settle();
    slow.takesMore = false;
    // Too large for one frame together, so the second one waits for the first to be read.
    const spec = (id: string) => new TextEncoder().encode(id.padStart(MAX_FRAME_BYTES, "0"));
    const tasks = [0, 1].map((number) => makeTask(number, { timeoutMs: 2000, spec: spec(taskId(number)) }));
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(slow.deliveries.map(taskNumber)).toEqual([0]);
    await clock.advance(2010);
    expect((await engine.get(taskId(0)))?.attempts).toBe(1);
    expect(await engine.get(taskId(1))).toMatchObject({ state: "PENDING", attempts: 0 });
    const { analyzers } = await engine.figures("");
    expect(analyzers).toMatchObject([{ id: "slow", credit: 1, inFlight: 0 }]);
    slow.writable();
    await clock.settle();
    expect(slow.cancels).toEqual([{ lease: slow.leases()[0], reason: "TIMEOUT" }]);
    expect(slow.deliveries.map(taskNumber)).toEqual([0, 1]);
  });
});

describe("cancel", () => {
  test("ends a waiting task at once and tells who waits for it", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const ended: (StoredTask | undefined)[] = [];
    engine.wait([taskId(1), taskId(2)], (_id, task) => ended.push(task));
    await clock.settle();
    expect(ended).toEqual([undefined]);
    expect(await engine.cancel({ ids: [taskId(1), taskId(3)] })).toMatchObject({ done: 1, requested: 0, skipped: 1 });
    await clock.settle();
    expect(ended[1]?.state).toBe("CANCELLED");
  });

  test("asks the analyzer of a running task, whose answer ends it CANCELLED", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    expect(await engine.cancel({ ids: [taskId(1)] })).toMatchObject({ done: 0, requested: 1 });
    await clock.settle();
    expect(analyzer.cancels).toEqual([{ lease: analyzer.leases()[0], reason: "CANCELLED" }]);
    analyzer.complete(analyzer.leases());
    await clock.settle();
    expect((await engine.get(taskId(1)))?.state).toBe("CANCELLED");
  });

  test.each([
    ["a release", (analyzer: ScriptedAnalyzer, lease: number) => analyzer.frame({ releases: [lease] })],
    ["a failure", (analyzer: ScriptedAnalyzer, lease: number) => analyzer.fail(lease)],
  ])("of a task that %s is about to return ends it, and who waits for it is told", async (_name, answer) => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const ended: (StoredTask | undefined)[] = [];
    engine.wait([taskId(1)], (_id, task) => ended.push(task));
    const [lease = 0] = analyzer.leases();
    gated.shut();
    answer(analyzer, lease);
    await clock.settle();
    expect(await engine.cancel({ ids: [taskId(1)] })).toMatchObject({ requested: 1 });
    gated.open();
    await clock.settle();
    expect(ended.map((task) => task?.state)).toEqual(["CANCELLED"]);
    expect((await engine.figures("")).queues[0]?.totals).toMatchObject({ cancelled: 1, retried: 0 });
  });

  test("of a task whose analyzer is away reaches it when it returns", async () => {
    const { engine, clock } = await startEngine();
    const before = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const [lease = 0] = before.leases();
    before.break();
    await engine.cancel({ ids: [taskId(1)] });
    const after = new ScriptedAnalyzer(engine, "a").hello({ held: [{ lease, taskId: taskId(1), attempt: 1 }] });
    await clock.settle();
    expect(after.cancels).toEqual([{ lease, reason: "CANCELLED" }]);
    expect(after.welcome?.held).toEqual([{ lease, state: "ADOPTED" }]);
  });

  test("by filter takes what matches up to the limit", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit(makeTasks(5)), clock.settle()]);
    expect(await engine.cancel({ filter: { queue: "q" }, limit: 3 })).toMatchObject({ done: 3, more: true });
    expect(await engine.cancel({ filter: { queue: "q" }, limit: 3 })).toMatchObject({ done: 2, more: false });
  });
});

describe("dead letters", () => {
  test("are redriven into their place with fresh attempts, or purged", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    for (const lease of analyzer.leases()) analyzer.fail(lease, true);
    await clock.settle();
    expect(await engine.retry({ ids: [taskId(0)] }, 0)).toMatchObject({ done: 1, skipped: 0 });
    expect(await engine.purge({ ids: [taskId(1)] })).toMatchObject({ done: 1 });
    analyzer.credit(2);
    await clock.settle();
    expect(analyzer.deliveries.slice(2).map((d) => [taskNumber(d), d.attempt])).toEqual([[0, 1]]);
    expect(await engine.get(taskId(1))).toBeUndefined();
  });

  test("redriven at a rate come one after the other", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 20 }, 10);
    await Promise.all([engine.submit(makeTasks(5)), clock.settle()]);
    for (const lease of analyzer.leases()) analyzer.fail(lease, true);
    await clock.settle();
    await engine.retry({ filter: { queue: "q" }, limit: 100 }, 2);
    await clock.advance(1100);
    expect(analyzer.deliveries.length - 5).toBe(3);
    await clock.advance(1000);
    expect(analyzer.deliveries.length - 5).toBe(5);
  });
});

test("a drain of an analyzer is cut at its deadline, and what it holds goes back uncharged", async () => {
  const { engine, clock } = await startEngine({ settings: { drainMs: 2000 } });
  const slow = new ScriptedAnalyzer(engine, "slow").hello({}, 1);
  await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
  engine.drainAnalyzer("slow");
  await clock.advance(1999);
  expect(slow.drains).toEqual([{ reason: "OPERATOR", deadlineMs: 2000 }]);
  expect(slow.isEnded).toBe(false);
  await clock.advance(1);
  expect(slow.error?.code).toBe("DEADLINE_EXCEEDED");
  const other = new ScriptedAnalyzer(engine, "other").hello({}, 1);
  await clock.settle();
  expect(other.deliveries.map(({ attempt }) => attempt)).toEqual([1]);
});

describe("a drain of the node", () => {
  test("asks analyzers to finish, takes their results, refuses submits, hands back the rest uncharged", async () => {
    const store = new MemoryStore();
    const { engine, clock } = await startEngine({ store });
    const prompt = new ScriptedAnalyzer(engine, "prompt").hello({}, 1);
    const slow = new ScriptedAnalyzer(engine, "slow").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
    const drained = engine.drain();
    await clock.advance(100);
    expect(prompt.drains).toEqual([{ reason: "NODE_STOPPING", deadlineMs: 10_000 }]);
    await expect(engine.submit([makeTask(9)])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    prompt.complete(prompt.leases(), 0).finish();
    await clock.advance(10_000);
    await drained;
    expect(prompt.isEnded && prompt.error === undefined).toBe(true);
    expect(slow.error?.code).toBe("UNAVAILABLE");
    await engine[Symbol.asyncDispose]();
    const reopened = await startEngine({ store: new MemoryStore(store) });
    const { queues, node } = await reopened.engine.figures("q");
    expect(node.holdMs).toBe(0);
    expect(queues[0]?.counts).toMatchObject({ COMPLETED: 1, PENDING: 2, RUNNING: 0 });
    expect((await reopened.engine.get(taskId(2)))?.attempts).toBe(0);
  });

  test("hands back what an analyzer brings from before a crash while it drains", async () => {
    const store = new MemoryStore();
    const crashed = await startEngine({ store });
    const before = new ScriptedAnalyzer(crashed.engine, "a").hello({}, 1);
    await Promise.all([crashed.engine.submit(makeTasks(1)), crashed.clock.settle()]);
    const held = before.deliveries.map(({ lease }) => ({ lease, taskId: taskId(0), attempt: 1 }));

    const restarted = new MemoryStore(store);
    const gated = gateStore(restarted, ["adopt"]);
    const { engine, clock } = await startEngine({ store: gated.store, settings: { drainMs: 1000 } });
    gated.shut();
    const after = new ScriptedAnalyzer(engine, "a").hello({ held }, 0);
    const drained = engine[Symbol.asyncDispose]();
    await clock.advance(2000);
    gated.open();
    await clock.advance(100);
    await drained;
    expect(after.welcome?.held).toEqual([{ lease: held[0]?.lease, state: "ADOPTED" }]);
    expect((await new MemoryStore(restarted).open()).leasesMayBeHeld).toBe(false);
  });
});

test("explain says what a task waits for", async () => {
  const { engine, clock } = await startEngine();
  await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
  expect((await engine.explainTask(taskId(0))).reasons).toEqual(["waiting: no analyzer serves queue q"]);
  new ScriptedAnalyzer(engine, "a").hello();
  await clock.settle();
  expect((await engine.explainTask(taskId(0))).reasons).toEqual(["analyzers a: without credit (0 in flight)"]);
  await engine.configureQueue("q", { paused: true });
  expect((await engine.explainTask(taskId(0))).reasons[0]).toBe("waiting: queue q is paused");
  await expect(engine.explainTask(taskId(7))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
