import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";

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
