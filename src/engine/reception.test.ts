import { describe, expect, test } from "vitest";
import { makeParts, startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import { MAX_FRAME_ITEMS } from "../core/limits.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { Engine } from "./engine.ts";
import type { AnalyzerFrame, LeaseResult } from "./frames.ts";
import { MAX_OPENING_FRAMES, MAX_SESSION_RESULT_BYTES, UNCOMMITTED_RETRY_MS } from "./settings.ts";

describe("a frame that breaks the protocol ends its own stream and nothing else", () => {
  const cases: [string, (analyzer: ScriptedAnalyzer) => void, string][] = [
    ["no hello first", (a) => a.credit(1), "FAILED_PRECONDITION"],
    ["a second hello", (a) => a.hello().hello(), "FAILED_PRECONDITION"],
    ["credit above the window", (a) => a.hello({ maxInFlight: 3 }, 4), "OUT_OF_RANGE"],
    ["credit above the window in steps", (a) => a.hello({ maxInFlight: 3 }, 2).credit(2), "OUT_OF_RANGE"],
    ["too many releases", (a) => a.hello().frame({ releases: new Array<number>(10_001).fill(1) }), "INVALID_ARGUMENT"],
  ];
  for (const [name, misbehave, code] of cases) {
    test(name, async () => {
      const { engine, clock, failures } = await startEngine();
      const good = new ScriptedAnalyzer(engine, "good").hello({}, 2);
      const bad = new ScriptedAnalyzer(engine, "bad");
      misbehave(bad);
      await clock.settle();
      expect(bad.error?.code).toBe(code);
      await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
      expect(good.deliveries).toHaveLength(2);
      expect(failures).toEqual([]);
    });
  }
});

describe("the size of a frame", () => {
  const items = <T>(count: number, item: T) => new Array<T>(count).fill(item);
  const result: LeaseResult = { lease: 7, kind: "success", result: { output: new Uint8Array(), contentType: "" } };
  const frames: [string, (count: number) => Partial<AnalyzerFrame>][] = [
    ["results", (count) => ({ results: items(count, result) })],
    ["releases", (count) => ({ releases: items(count, 7) })],
    ["reports of progress", (count) => ({ progress: items(count, { lease: 7, percent: 1, note: "" }) })],
  ];
  test.each(frames)("may be 10,000 %s, in the first frame too", async (_name, frame) => {
    const { engine, clock } = await startEngine();
    const full = new ScriptedAnalyzer(engine, "full").hello().frame(frame(MAX_FRAME_ITEMS));
    const over = new ScriptedAnalyzer(engine, "over").hello();
    await clock.settle();
    over.frame(frame(MAX_FRAME_ITEMS + 1));
    const first = new ScriptedAnalyzer(engine, "first");
    const hello = {
      analyzerId: "first",
      subscriptions: [],
      weight: 1,
      maxInFlight: 0,
      held: [],
      version: "",
      labels: {},
    };
    first.frame({ hello, ...frame(MAX_FRAME_ITEMS + 1) });
    await clock.settle();
    expect([full, over, first].map(({ error }) => error?.code)).toEqual([
      undefined,
      "INVALID_ARGUMENT",
      "INVALID_ARGUMENT",
    ]);
  });
});

describe("frames that come while a hello is answered", () => {
  test("are applied in their order once it is", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const before = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
    const [first = 0, second = 0] = before.leases();
    gated.shut();
    before.complete([first], 0);
    await clock.settle();
    const held = [{ lease: second, taskId: taskId(1), attempt: 1 }];
    const after = new ScriptedAnalyzer(engine, "a").hello({ held }, 1).complete([second], 0).complete([second], 3);
    await clock.settle();
    expect(after.frames).toBe(0);
    gated.open();
    await clock.settle();
    expect(after.welcome?.held).toEqual([{ lease: second, state: "ADOPTED" }]);
    expect(after.accepted).toEqual([second]);
    expect(after.stale).toEqual([second]);
    expect(after.deliveries.map(taskNumber)).toEqual([2]);
    expect((await engine.figures("")).analyzers).toMatchObject([{ credit: 3 }]);
  });

  test("may be as many as the limit, the first with the hello", async () => {
    const { engine, clock } = await startEngine();
    const most = new ScriptedAnalyzer(engine, "most").hello({}, 1);
    for (let frame = 1; frame < MAX_OPENING_FRAMES; frame++) most.frame({});
    const over = new ScriptedAnalyzer(engine, "over").hello({}, 1);
    for (let frame = 0; frame < MAX_OPENING_FRAMES; frame++) over.frame({});
    await clock.settle();
    expect([most.error?.code, over.error?.code]).toEqual([undefined, "RESOURCE_EXHAUSTED"]);
    expect(most.welcome).toBeDefined();
  });

  test("are applied before the good-bye that came with them", async () => {
    const { engine, clock } = await startEngine();
    const before = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    before.break();
    const [first = 0, second = 0] = before.leases();
    const held = [first, second].map((lease, number) => ({ lease, taskId: taskId(number), attempt: 1 }));
    const after = new ScriptedAnalyzer(engine, "a").hello({ held }).complete([second], 0).finish();
    expect(after.isEnded).toBe(false);
    await clock.settle();
    expect(after.accepted).toEqual([second, first]);
    expect([after.isEnded, after.error]).toEqual([true, undefined]);
    expect(await engine.get(taskId(0))).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(await engine.get(taskId(1))).toMatchObject({ state: "COMPLETED" });
  });
});

describe("credit", () => {
  test("is not taken from an analyzer that is draining, however much it is", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 2 }, 1);
    await clock.settle();
    engine.drainAnalyzer("a");
    analyzer.credit(500);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    expect(analyzer.error).toBeUndefined();
    expect(analyzer.deliveries).toEqual([]);
    expect((await engine.figures("")).analyzers).toMatchObject([{ credit: 1 }]);
  });
});

describe("progress", () => {
  test("is noted of leases that the analyzer holds, the last report of each, and of no others", async () => {
    const { engine, clock } = await startEngine();
    const holder = new ScriptedAnalyzer(engine, "holder").hello({}, 1);
    const thief = new ScriptedAnalyzer(engine, "thief").hello();
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const [lease = 0] = holder.leases();
    const report = (percent: number) => ({ lease, percent, note: "" });
    holder.frame({ progress: [report(10), { ...report(5), lease: 77 }, report(20)] });
    thief.frame({ progress: [report(99)] });
    expect((await engine.get(taskId(1)))?.progress).toEqual(report(20));
    expect([holder, thief].map(({ isEnded }) => isEnded)).toEqual([false, false]);
  });
});

test("a fault of the node's own while it applies a frame ends the node, not only the stream", async () => {
  const { parts, clock, failures } = makeParts();
  const engine = new Engine({
    ...parts,
    log: (_level, event) => {
      if (event === "analyzer.replaced") throw new TypeError("no such field");
    },
  });
  await engine.start();
  new ScriptedAnalyzer(engine, "a").hello();
  await clock.settle();
  expect(failures).toEqual([]);
  new ScriptedAnalyzer(engine, "a").hello();
  expect(failures.map(({ message }) => message)).toEqual(["no such field"]);
});

describe("a result", () => {
  test("gets its receipt only after the commit", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    gated.shut();
    analyzer.complete(analyzer.leases());
    await clock.settle();
    expect(analyzer.accepted).toEqual([]);
    gated.open();
    await clock.settle();
    expect(analyzer.accepted).toEqual(analyzer.leases());
  });

  test("that there is no room to hold ends its stream, and is taken after a return with its lease (R3)", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 3 }, 3);
    const other = new ScriptedAnalyzer(engine, "other").hello({ maxInFlight: 1 }, 1);
    await Promise.all([engine.submit(makeTasks(4)), clock.settle()]);
    const [first = 0, second = 0, third = 0] = analyzer.leases();
    const large = (lease: number) =>
      ({
        results: [
          { lease, kind: "success", result: { output: new Uint8Array(MAX_SESSION_RESULT_BYTES / 2), contentType: "" } },
        ],
      }) as const;
    gated.shut();
    analyzer.frame(large(first)).frame(large(second)).frame(large(third));
    other.frame(large(other.leases()[0] ?? 0));
    expect(analyzer.error).toMatchObject({ code: "RESOURCE_EXHAUSTED", retryAfterMs: UNCOMMITTED_RETRY_MS });
    expect(other.error).toBeUndefined();
    const held = analyzer.deliveries.map((delivery) => ({
      lease: delivery.lease,
      taskId: taskId(taskNumber(delivery)),
      attempt: 1,
    }));
    const again = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 3, held });
    await clock.settle();
    expect(again.welcome).toBeUndefined();
    gated.open();
    await clock.settle();
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["RECORDED", "RECORDED", "ADOPTED"]);
    again.frame(large(third));
    await clock.settle();
    expect(again.accepted).toEqual([third]);
  });

  test("for an unknown, foreign or answered lease is stale and changes nothing", async () => {
    const { engine, clock } = await startEngine();
    const holder = new ScriptedAnalyzer(engine, "holder").hello({}, 1);
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const thief = new ScriptedAnalyzer(engine, "thief").hello();
    const [lease = 0] = holder.leases();
    thief.complete([lease, 12345, -1], 0);
    await clock.settle();
    expect(thief.stale).toEqual([lease, 12345, -1]);
    holder.complete([lease, lease], 0);
    await clock.settle();
    expect(holder.accepted).toEqual([lease]);
    expect(holder.stale).toEqual([lease]);
    const { queues } = await engine.figures("q");
    expect(queues[0]?.counts).toMatchObject({ COMPLETED: 1, PENDING: 0, RUNNING: 0 });
    expect(queues[0]?.totals).toMatchObject({ completed: 1, stale: 2 });
  });

  test("frees room in the window for credit in the same frame", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 1 }, 1);
    await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
    analyzer.complete(analyzer.leases(), 1);
    await clock.settle();
    expect(analyzer.error).toBeUndefined();
    expect(analyzer.deliveries).toHaveLength(2);
  });

  test("that fails is retried after its backoff, then kept as a dead letter", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 5);
    const retry = { maxAttempts: 2, initialBackoffMs: 1000, backoffFactor: 2, maxBackoffMs: 60_000 };
    const task = makeTask(1, { retry });
    await Promise.all([engine.submit([task]), clock.settle()]);
    analyzer.fail(analyzer.leases()[0] ?? 0);
    await clock.advance(499);
    expect(analyzer.deliveries).toHaveLength(1);
    expect((await engine.get(task.id))?.state).toBe("RETRYING");
    await clock.advance(51);
    expect(analyzer.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
    analyzer.fail(analyzer.leases()[1] ?? 0);
    await clock.settle();
    const dead = await engine.get(task.id);
    expect(dead?.state).toBe("FAILED");
    expect(dead?.history.map(({ number, error }) => [number, error.code])).toEqual([
      [1, "BROKEN"],
      [2, "BROKEN"],
    ]);
  });
});

describe("a release", () => {
  test("returns the task to its place uncharged", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    analyzer.frame({ releases: analyzer.leases(), credit: 1 });
    await clock.settle();
    analyzer.credit(0);
    await clock.settle();
    expect(analyzer.accepted).toHaveLength(1);
    expect(analyzer.deliveries.every(({ attempt }) => attempt === 1)).toBe(true);
  });
});

test("a reader that never reads while it provokes receipts is cut", async () => {
  const { engine, clock } = await startEngine();
  const analyzer = new ScriptedAnalyzer(engine, "a").hello();
  await clock.settle();
  analyzer.takesMore = false;
  for (let frame = 0; frame < 12 && !analyzer.isEnded; frame++) {
    analyzer.frame({ releases: new Array<number>(10_000).fill(7) });
    await clock.settle();
  }
  expect(analyzer.error?.code).toBe("RESOURCE_EXHAUSTED");
});
