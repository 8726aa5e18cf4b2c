import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";

/** Whether a promise has resolved, as far as has been seen. */
function watch(promise: Promise<unknown>): { isDone: boolean } {
  const seen = { isDone: false };
  void promise.then(() => {
    seen.isDone = true;
  });
  return seen;
}

describe("a drain of an analyzer", () => {
  test("is asked for once, however often an operator asks", async () => {
    const { engine, clock, failures } = await startEngine({ settings: { drainMs: 2000 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    engine.drainAnalyzer("a");
    engine.drainAnalyzer("a");
    await clock.settle();
    expect(analyzer.drains).toEqual([{ reason: "OPERATOR", deadlineMs: 2000 }]);
    expect(failures).toEqual([]);
  });

  test("that has ended leaves the analyzer's next session alone", async () => {
    const { engine, clock } = await startEngine({ settings: { drainMs: 2000 } });
    const first = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    engine.drainAnalyzer("a");
    first.complete(first.leases(), 0).finish();
    await clock.advance(1000);
    expect(first.isEnded).toBe(true);
    const second = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1, 1)), clock.settle()]);
    await clock.advance(1000);
    expect(second.isEnded).toBe(false);
    second.complete(second.leases(), 0);
    await clock.settle();
    expect(second.accepted).toEqual(second.leases());
  });

  test("ends nothing at its deadline when the analyzer was forgotten meanwhile", async () => {
    const { engine, clock, failures } = await startEngine({ settings: { drainMs: 2_000_000 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello();
    await clock.settle();
    engine.drainAnalyzer("a");
    analyzer.finish();
    await clock.advance(2_000_000);
    expect(analyzer.error).toBeUndefined();
    expect(failures).toEqual([]);
  });
});

describe("a drain of the node", () => {
  test("hands back at its deadline, uncharged, what was not answered, and is over", async () => {
    const store = new MemoryStore();
    const { engine, clock, failures, events } = await startEngine({ store, settings: { drainMs: 1000 } });
    const slow = new ScriptedAnalyzer(engine, "slow").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    const drained = watch(engine.drain());
    await clock.advance(999);
    expect(slow.isEnded).toBe(false);
    await clock.advance(1);
    expect((await store.get(taskId(0)))?.state).toBe("PENDING");
    expect((await store.get(taskId(0)))?.attempts).toBe(0);
    await clock.advance(20);
    expect(slow.error?.code).toBe("UNAVAILABLE");
    expect(drained.isDone).toBe(true);
    expect(failures).toEqual([]);
    expect(events.slice(-2)).toEqual(["node.draining", "node.drained"]);
  });

  test("is over at once when nothing is leased and nothing is on its way", async () => {
    const { engine, clock } = await startEngine();
    const idle = new ScriptedAnalyzer(engine, "idle").hello({}, 1);
    await clock.settle();
    const drained = watch(engine.drain());
    await clock.settle();
    expect(drained.isDone).toBe(true);
    expect(idle.drains).toEqual([{ reason: "NODE_STOPPING", deadlineMs: 10_000 }]);
  });

  test("waits for submits that are being committed", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    gated.shut();
    const answer = engine.submit([makeTask(1)]);
    await clock.settle();
    const drained = watch(engine.drain());
    await clock.advance(100);
    expect(drained.isDone).toBe(false);
    gated.open();
    await clock.advance(100);
    expect(await answer).toEqual([{ kind: "accepted" }]);
    expect(drained.isDone).toBe(true);
  });

  test("waits for results that are being committed, and sends their receipts", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store, settings: { drainMs: 50 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    gated.shut();
    analyzer.complete(analyzer.leases(), 0);
    const drained = watch(engine.drain());
    await clock.advance(1000);
    expect(drained.isDone).toBe(false);
    gated.open();
    await clock.advance(100);
    expect(analyzer.accepted).toEqual(analyzer.leases());
    expect(drained.isDone).toBe(true);
  });

  test("waits for claims under way, and hands back what they bring", async () => {
    const store = new MemoryStore();
    const gated = gateStore(store, ["claim"]);
    const { engine, clock } = await startEngine({ store: gated.store, settings: { drainMs: 50 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    gated.shut();
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    const drained = watch(engine.drain());
    await clock.advance(1000);
    expect(drained.isDone).toBe(false);
    gated.open();
    await clock.advance(10_000);
    expect(drained.isDone).toBe(true);
    expect(analyzer.isEnded).toBe(true);
    expect((await store.get(taskId(0)))?.state).toBe("PENDING");
    expect((await store.get(taskId(0)))?.attempts).toBe(0);
  });

  test("ends streams that have not said hello", async () => {
    const { engine, clock, failures } = await startEngine();
    const silent = new ScriptedAnalyzer(engine, "silent");
    const drained = watch(engine.drain());
    await clock.settle();
    expect(silent.error?.code).toBe("UNAVAILABLE");
    expect(drained.isDone).toBe(true);
    expect(failures).toEqual([]);
  });

  test("waits for a hello whose leases are being looked up, and for those leases", async () => {
    const crashed = new MemoryStore();
    const before = await startEngine({ store: crashed });
    const holder = new ScriptedAnalyzer(before.engine, "holder").hello({}, 1);
    await Promise.all([before.engine.submit(makeTasks(1)), before.clock.settle()]);
    const store = new MemoryStore(crashed);
    const gated = gateStore(store, ["adopt"]);
    const { engine, clock, failures } = await startEngine({ store: gated.store });
    gated.shut();
    const held = holder.leases().map((lease) => ({ lease, taskId: taskId(0), attempt: 1 }));
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held }, 5);
    await Promise.all([engine.submit(makeTasks(1, 1)), clock.settle()]);
    const drained = watch(engine.drain());
    await clock.advance(100);
    expect(drained.isDone).toBe(false);
    gated.open();
    await clock.advance(100);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED"]);
    expect(again.deliveries).toEqual([]);
    await clock.advance(10_000);
    expect(drained.isDone).toBe(true);
    expect(again.error?.code).toBe("UNAVAILABLE");
    expect(await store.get(taskId(0))).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(failures).toEqual([]);
  });

  test("of a node whose storage has failed waits for nothing", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock, failures } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    gated.fail(new Error("the disk is gone"));
    analyzer.complete(analyzer.leases(), 0);
    await clock.settle();
    expect(failures.map(({ message }) => message)).toEqual(["the disk is gone"]);
    const drained = watch(engine.drain());
    await clock.settle();
    expect(drained.isDone).toBe(true);
    expect(analyzer.isEnded).toBe(true);
  });

  test("has one end, whoever asks for it", async () => {
    const { engine, clock, events } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello();
    await clock.settle();
    await Promise.all([engine.drain(), engine.drain()]);
    expect(analyzer.drains).toHaveLength(1);
    expect(events.filter((event) => event === "node.drained")).toHaveLength(1);
  });
});
