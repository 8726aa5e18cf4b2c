import { describe, expect, test } from "vitest";
import { makeParts, startEngine, type TestEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import type { NewTask } from "../core/task.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { AnalyzerRecord } from "./analyzer.ts";
import { Attachment } from "./attachment.ts";
import { Endings } from "./endings.ts";
import { NodeState } from "./node-state.ts";
import { GONE_RETENTION_MS, MAX_GONE_ANALYZERS, MAX_SWEEP_TASKS } from "./settings.ts";
import { Sweeper } from "./sweeper.ts";

async function submit({ engine, clock }: TestEngine, tasks: readonly NewTask[]): Promise<void> {
  await Promise.all([engine.submit(tasks), clock.settle()]);
}

describe("a missing heartbeat", () => {
  test("ends a session at the lease time, looked at four times in it if it is short", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 400 } });
    await clock.advance(500);
    const analyzer = new ScriptedAnalyzer(engine, "a").hello();
    await clock.advance(399);
    expect(analyzer.isEnded).toBe(false);
    await clock.advance(1);
    expect(analyzer.error?.code).toBe("DEADLINE_EXCEEDED");
  });

  test("is looked for every half second if the lease time is long", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 10_250 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello();
    await clock.advance(10_499);
    expect(analyzer.isEnded).toBe(false);
    await clock.advance(1);
    expect(analyzer.error?.code).toBe("DEADLINE_EXCEEDED");
  });

  test("of a draining analyzer ends its session too, and its tasks go back charged", async () => {
    const node = await startEngine({ settings: { leaseMs: 2000, drainMs: 60_000 } });
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 1);
    await submit(node, makeTasks(1));
    node.engine.drainAnalyzer("a");
    await node.clock.advance(2000);
    expect(analyzer.error?.code).toBe("DEADLINE_EXCEEDED");
    expect(await node.engine.get(taskId(0))).toMatchObject({ state: "PENDING", attempts: 1 });
    expect(node.failures).toEqual([]);
  });

  test("does not end an analyzer whose hello the node itself is slow to answer", async () => {
    const gated = gateStore(new MemoryStore(), ["adopt"]);
    const { engine, clock } = await startEngine({ store: gated.store, settings: { leaseMs: 2000 } });
    gated.shut();
    const held = [{ lease: 77, taskId: taskId(0), attempt: 1 }];
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ held });
    await clock.advance(10_000);
    expect(analyzer.isEnded).toBe(false);
    gated.open();
    await clock.settle();
    expect(analyzer.welcome?.held).toEqual([{ lease: 77, state: "LOST" }]);
    await clock.advance(1999);
    expect(analyzer.isEnded).toBe(false);
    await clock.advance(1);
    expect(analyzer.error?.code).toBe("DEADLINE_EXCEEDED");
  });

  test("ends a stream that has not said hello at the lease time, and leaves alone who did", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 2000 } });
    const silent = new ScriptedAnalyzer(engine, "silent");
    const polite = new ScriptedAnalyzer(engine, "polite");
    await clock.advance(1000);
    polite.hello();
    await clock.advance(999);
    expect([silent.isEnded, polite.isEnded]).toEqual([false, false]);
    await clock.advance(1);
    expect([silent.error?.code, polite.isEnded]).toEqual(["FAILED_PRECONDITION", false]);
    const { node } = await engine.figures("");
    expect(node.sessions).toBe(1);
  });
});

describe("an attempt over its timeout", () => {
  test("is ended each in its turn, at its own time", async () => {
    const node = await startEngine();
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 3);
    await submit(node, [makeTask(0, { timeoutMs: 300 }), makeTask(1, { timeoutMs: 100 }), makeTask(2)]);
    const [first, second] = analyzer.leases();
    await node.clock.advance(99);
    expect(analyzer.cancels).toEqual([]);
    await node.clock.advance(1);
    expect(analyzer.cancels).toEqual([{ lease: second, reason: "TIMEOUT" }]);
    await node.clock.advance(199);
    expect(analyzer.cancels).toHaveLength(1);
    await node.clock.advance(1);
    expect(analyzer.cancels.slice(1)).toEqual([{ lease: first, reason: "TIMEOUT" }]);
    await node.clock.advance(10_000);
    expect(analyzer.cancels).toHaveLength(2);
    expect(await node.engine.get(taskId(1))).toMatchObject({ attempts: 1, history: [{ error: { code: "TIMEOUT" } }] });
    expect(await node.engine.get(taskId(2))).toMatchObject({ attempts: 0, state: "RUNNING" });
  });

  test("is not asked for again by the task's next attempt, which has the whole time", async () => {
    const node = await startEngine({ random: () => 0 });
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 2);
    await submit(node, [makeTask(0, { timeoutMs: 1000 })]);
    await node.clock.advance(900);
    analyzer.fail(analyzer.leases()[0] ?? 0);
    await node.clock.advance(999);
    expect(analyzer.deliveries).toHaveLength(2);
    expect(analyzer.cancels).toEqual([]);
    await node.clock.advance(50);
    expect(analyzer.cancels).toEqual([{ lease: analyzer.leases()[1], reason: "TIMEOUT" }]);
  });

  test("ends while its analyzer is away, which is told on its return that the lease is lost", async () => {
    const node = await startEngine();
    const away = new ScriptedAnalyzer(node.engine, "a").hello({}, 1);
    await submit(node, [makeTask(0, { timeoutMs: 1000 })]);
    away.break();
    await node.clock.advance(1000);
    expect(await node.engine.get(taskId(0))).toMatchObject({ state: "RETRYING", attempts: 1 });
    const held = away.leases().map((lease) => ({ lease, taskId: taskId(0), attempt: 1 }));
    const back = new ScriptedAnalyzer(node.engine, "a").hello({ held });
    await node.clock.settle();
    expect(back.welcome?.held.map(({ state }) => state)).toEqual(["LOST"]);
    expect(back.cancels).toEqual([]);
    expect(node.failures).toEqual([]);
  });

  test("is not charged for a pause of the node", async () => {
    const node = await startEngine();
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 1);
    await submit(node, [makeTask(0, { timeoutMs: 10_000 })]);
    node.clock.pause(60_000);
    await node.clock.advance(7000);
    expect(analyzer.cancels).toEqual([]);
    await node.clock.advance(2000);
    expect(analyzer.cancels).toHaveLength(1);
  });
});

describe("a task whose time comes", () => {
  test("is delivered in the order of the times, each at its own", async () => {
    const node = await startEngine();
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 5);
    const nowMs = node.clock.wallMs();
    await submit(
      node,
      [900, 300, 600].map((delayMs, i) => makeTask(i, { startAtMs: nowMs + delayMs })),
    );
    const numbers = () => analyzer.deliveries.map(taskNumber);
    for (const [ms, expected] of [
      [299, []],
      [1, [1]],
      [299, [1]],
      [1, [1, 2]],
      [300, [1, 2, 0]],
    ] as const) {
      await node.clock.advance(ms);
      expect(numbers()).toEqual(expected);
    }
  });

  test("is noticed within a second after a jump of the wall clock", async () => {
    const node = await startEngine();
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 1);
    await submit(node, [makeTask(0, { startAtMs: node.clock.wallMs() + 3_600_000 })]);
    await node.clock.advance(10_000);
    node.clock.wallOffsetMs += 3_600_000;
    await node.clock.advance(1000);
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("that had come before the node started is delivered when it starts", async () => {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    await submit(before, [makeTask(0, { startAtMs: before.clock.wallMs() + 1000 })]);
    await before.engine[Symbol.asyncDispose]();
    before.clock.pause(5000);
    const after = await startEngine({ store: new MemoryStore(store), clock: before.clock });
    const analyzer = new ScriptedAnalyzer(after.engine, "a").hello({}, 1);
    await after.clock.settle();
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("is not forgotten when it is submitted while the store looks at due times", async () => {
    const gated = gateStore(new MemoryStore(), ["due"]);
    const node = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 5);
    const nowMs = node.clock.wallMs();
    await submit(node, [makeTask(0, { startAtMs: nowMs + 100 })]);
    gated.shut();
    await node.clock.advance(100);
    await submit(node, [makeTask(1, { startAtMs: nowMs + 400 })]);
    await node.clock.advance(100);
    expect(analyzer.deliveries).toEqual([]);
    gated.open();
    await node.clock.advance(199);
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0]);
    await node.clock.advance(1);
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0, 1]);
  });

  test("has the store look when something is due, and not otherwise", async () => {
    const store = new MemoryStore();
    const looks: number[] = [];
    const due = store.due.bind(store);
    const node = await startEngine({ store });
    store.due = (nowMs, limit) => {
      looks.push(nowMs - startMs);
      return due(nowMs, limit);
    };
    const startMs = node.clock.wallMs();
    await node.clock.advance(5000);
    expect(looks).toEqual([]);
    await submit(node, [makeTask(0, { startAtMs: startMs + 7500 })]);
    await node.clock.advance(5000);
    expect(looks).toEqual([6000, 7000, 7500]);
  });

  test("with many others moves a bounded number at a time, and the rest at once (W2)", async () => {
    const node = await startEngine();
    const startAtMs = node.clock.wallMs() + 1000;
    await submit(node, makeTasks(2 * MAX_SWEEP_TASKS + 1, 0, { startAtMs }));
    await node.clock.advance(1000);
    const { queues } = await node.engine.figures("q");
    expect(queues[0]?.counts).toMatchObject({ PENDING: 2 * MAX_SWEEP_TASKS + 1, SCHEDULED: 0 });
  });
});

describe("retention", () => {
  test("is looked at every second, and deletes a bounded number at a time, the rest at once (W2)", async () => {
    const store = new MemoryStore();
    const deleted: number[] = [];
    const expire = store.expire.bind(store);
    const node = await startEngine({ store });
    store.expire = async (nowMs, limit) => {
      const count = await expire(nowMs, limit);
      deleted.push(count);
      return count;
    };
    await node.engine.configureQueue("q", { retentionMs: 500 });
    await submit(node, makeTasks(MAX_SWEEP_TASKS + 1));
    await node.engine.cancel({ filter: { queue: "q" }, limit: 10_000 });
    await node.clock.advance(999);
    expect(deleted).toEqual([]);
    await node.clock.advance(1);
    expect(deleted).toEqual([MAX_SWEEP_TASKS, 1]);
    await node.clock.advance(999);
    expect(deleted).toHaveLength(2);
    await node.clock.advance(1);
    expect(deleted).toEqual([MAX_SWEEP_TASKS, 1, 0]);
  });
});

describe("the figures of an analyzer that left", () => {
  const known = async ({ engine }: TestEngine) => (await engine.figures("")).analyzers.map(({ id }) => id);

  test("are kept for their time, and its place in the shares with them", async () => {
    const node = await startEngine();
    const left = new ScriptedAnalyzer(node.engine, "left").hello();
    new ScriptedAnalyzer(node.engine, "present").hello();
    await node.clock.advance(1000);
    left.finish();
    await node.clock.advance(GONE_RETENTION_MS - 1);
    const beat = new ScriptedAnalyzer(node.engine, "present").hello();
    expect(await known(node)).toEqual(["left", "present"]);
    await node.clock.advance(1);
    beat.frame({});
    expect(await known(node)).toEqual(["present"]);
    const { queues } = await node.engine.figures("");
    expect(queues).toEqual([]);
    await node.engine.configureQueue("q", {});
    expect((await node.engine.figures("q")).queues[0]?.shares.map(({ analyzerId }) => analyzerId)).toEqual(["present"]);
  });

  test("are kept as long as an end of its leases is under way", async () => {
    const gated = gateStore(new MemoryStore());
    const node = await startEngine({ store: gated.store });
    const left = new ScriptedAnalyzer(node.engine, "left").hello({}, 1);
    await submit(node, makeTasks(1));
    gated.shut();
    left.finish();
    await node.clock.advance(2 * GONE_RETENTION_MS);
    expect(await known(node)).toEqual(["left"]);
    gated.open();
    await node.clock.advance(1000);
    expect(await known(node)).toEqual([]);
    expect(node.failures).toEqual([]);
  });

  test("are kept of no more than the limit, the longest gone go first", async () => {
    const { parts, clock, store, failures } = makeParts();
    await store.open();
    const node = new NodeState(parts, () => {});
    const endings = new Endings(node, { due: () => {}, ended: () => {} });
    const sweeper = new Sweeper(node, endings, new Attachment(node, endings, () => {}), new Map());
    for (let index = 0; index < MAX_GONE_ANALYZERS + 3; index++) {
      const analyzer = new AnalyzerRecord(`a${index}`, 1);
      analyzer.apply("hello");
      analyzer.subscribe(node.queue("q"), 0);
      if (index > 0) {
        analyzer.apply("finish");
        analyzer.detachShares();
        analyzer.goneSinceMs = index === 5000 ? 1 : 1000 - index / 100;
      }
      node.analyzers.set(analyzer.id, analyzer);
    }
    sweeper.start();
    await clock.advance(1000);
    const [there, longestGone, secondLongest] = [0, 5000, MAX_GONE_ANALYZERS + 2].map((index) => `a${index}`);
    expect(node.analyzers.size).toBe(MAX_GONE_ANALYZERS + 1);
    expect([there, longestGone, secondLongest].map((id = "") => node.analyzers.has(id))).toEqual([true, false, false]);
    expect(node.analyzers.has(`a${MAX_GONE_ANALYZERS + 1}`)).toBe(true);
    expect([...node.queue("q").share.members()]).toHaveLength(MAX_GONE_ANALYZERS + 1);
    expect(failures).toEqual([]);
  });
});

test("a node that was disposed of leaves no timer", async () => {
  const node = await startEngine();
  const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({}, 2);
  await submit(node, [makeTask(0, { timeoutMs: 1000 }), makeTask(1, { startAtMs: node.clock.wallMs() + 500 })]);
  analyzer.complete(analyzer.leases()).finish();
  await node.clock.settle();
  await node.engine[Symbol.asyncDispose]();
  expect(node.clock.pendingTimers).toBe(0);
  await node.clock.advance(5000);
  expect(node.failures).toEqual([]);
});
