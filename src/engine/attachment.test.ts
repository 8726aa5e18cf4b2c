import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";

/** A node with one analyzer that holds the given number of tasks. */
async function nodeWithHolder(count: number) {
  const node = await startEngine();
  const holder = new ScriptedAnalyzer(node.engine, "holder").hello({ maxInFlight: count }, count);
  await Promise.all([node.engine.submit(makeTasks(count)), node.clock.settle()]);
  expect(holder.deliveries).toHaveLength(count);
  return { ...node, holder };
}

function heldBy(analyzer: ScriptedAnalyzer) {
  return analyzer.deliveries.map((d) => ({ lease: d.lease, taskId: taskId(taskNumber(d)), attempt: d.attempt }));
}

describe("hello", () => {
  test("is answered with what holds for the session", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 3000, maxInFlight: 50 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ weight: 0.4 });
    const greedy = new ScriptedAnalyzer(engine, "b").hello({ maxInFlight: 1000 });
    await clock.settle();
    expect(analyzer.welcome).toMatchObject({ epoch: 1, heartbeatMs: 1000, leaseMs: 3000, maxInFlight: 4, held: [] });
    expect(greedy.welcome?.maxInFlight).toBe(50);
  });

  test("with the id of a live session replaces that session, and what it does not hold goes back uncharged", async () => {
    const { engine, clock, holder } = await nodeWithHolder(2);
    const [kept] = heldBy(holder);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ maxInFlight: 4, held: kept ? [kept] : [] }, 3);
    await clock.settle();
    expect(holder.error?.code).toBe("ABORTED");
    expect(again.welcome?.held).toEqual([{ lease: kept?.lease, state: "ADOPTED" }]);
    expect(again.deliveries.map(({ attempt }) => attempt)).toEqual([1]);
    expect(again.deliveries.map(taskNumber)).toEqual([1]);
  });

  test("beyond the limit of sessions is refused", async () => {
    const { engine } = await startEngine({ settings: { maxSessions: 1 } });
    new ScriptedAnalyzer(engine, "a");
    expect(new ScriptedAnalyzer(engine, "b").error?.code).toBe("RESOURCE_EXHAUSTED");
  });

  test("is due within the lease time", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 3000 } });
    const silent = new ScriptedAnalyzer(engine, "a");
    await clock.advance(2900);
    expect(silent.isEnded).toBe(false);
    await clock.advance(1000);
    expect(silent.error?.code).toBe("FAILED_PRECONDITION");
  });
});

describe("a broken stream", () => {
  test("keeps its leases for the resume grace, in which the analyzer takes them over", async () => {
    const { engine, clock, holder } = await nodeWithHolder(2);
    holder.break();
    await clock.advance(4900);
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 5);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ maxInFlight: 2, held: heldBy(holder) });
    await clock.advance(10_000);
    expect(other.deliveries).toHaveLength(0);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED", "ADOPTED"]);
    again.complete(holder.leases(), 2);
    await clock.settle();
    expect(again.accepted).toEqual(holder.leases());
  });

  test("may return with more leases than fit its window", async () => {
    const { engine, clock, holder } = await nodeWithHolder(3);
    holder.break();
    const again = new ScriptedAnalyzer(engine, "holder").hello({ weight: 0.2, maxInFlight: 0, held: heldBy(holder) });
    await clock.settle();
    expect(again.welcome?.maxInFlight).toBe(2);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED", "ADOPTED", "ADOPTED"]);
    again.complete(holder.leases(), 2);
    await clock.settle();
    expect(again.accepted).toEqual(holder.leases());
    expect(again.isEnded).toBe(false);
  });

  test("gives its leases to others after the grace, in place and with an attempt charged", async () => {
    const { engine, clock, holder } = await nodeWithHolder(2);
    holder.break();
    await clock.advance(5001);
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 5);
    await clock.settle();
    expect(other.deliveries.map((d) => [taskNumber(d), d.attempt])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.settle();
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["LOST", "LOST"]);
  });

  test("while its hello is answered keeps its leases too", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock, failures } = await startEngine({ store: gated.store });
    const first = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 2 }, 2);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    const [answered = 0] = first.leases();
    gated.shut();
    first.complete([answered], 0).break();
    const second = new ScriptedAnalyzer(engine, "a").hello({ held: heldBy(first) });
    await clock.settle();
    expect(second.welcome).toBeUndefined();
    second.break();
    gated.open();
    const third = new ScriptedAnalyzer(engine, "a").hello({ held: heldBy(first) });
    await clock.settle();
    expect(third.welcome?.held.map(({ state }) => state)).toEqual(["RECORDED", "ADOPTED"]);
    expect(failures).toEqual([]);
  });
});

describe("the end of an analyzer", () => {
  test("in good order releases what it holds, uncharged", async () => {
    const { engine, clock, holder } = await nodeWithHolder(2);
    holder.finish();
    await clock.settle();
    expect(holder.isEnded).toBe(true);
    expect(holder.error).toBeUndefined();
    expect(holder.accepted).toEqual(holder.leases());
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 5);
    await clock.settle();
    expect(other.deliveries.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test("in good order waits for the receipts of results on their way", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    gated.shut();
    analyzer.complete(analyzer.leases(), 0).finish();
    await clock.settle();
    expect(analyzer.isEnded).toBe(false);
    gated.open();
    await clock.settle();
    expect(analyzer.accepted).toEqual(analyzer.leases());
    expect(analyzer.isEnded).toBe(true);
  });

  test("comes when no frame came for the lease time; its leases go to others, charged", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    await clock.advance(29_000);
    holder.frame({});
    await clock.advance(29_000);
    expect(holder.isEnded).toBe(false);
    await clock.advance(1500);
    expect(holder.error?.code).toBe("DEADLINE_EXCEEDED");
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 1);
    await clock.settle();
    expect(other.deliveries.map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("does not come when it was the node that paused", async () => {
    const { clock, holder } = await nodeWithHolder(1);
    await clock.advance(1000);
    clock.pause(120_000);
    await clock.advance(5000);
    expect(holder.isEnded).toBe(false);
  });
});

describe("after a crash of the node", () => {
  test("analyzers return with their leases before anybody else gets the tasks", async () => {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    const holder = new ScriptedAnalyzer(before.engine, "holder").hello({ maxInFlight: 2 }, 2);
    await Promise.all([before.engine.submit(makeTasks(3)), before.clock.settle()]);
    const after = await startEngine({ store: new MemoryStore(store) });
    const other = new ScriptedAnalyzer(after.engine, "other").hello({}, 5);
    const again = new ScriptedAnalyzer(after.engine, "holder").hello({ maxInFlight: 2, held: heldBy(holder) });
    await after.clock.advance(4900);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED", "ADOPTED"]);
    expect(other.deliveries).toHaveLength(0);
    await after.clock.advance(200);
    expect(other.deliveries.map(taskNumber)).toEqual([2]);
    again.complete(holder.leases(), 0);
    await after.clock.settle();
    expect(again.accepted).toEqual(holder.leases());
  });

  test("a node that is stopped before its hold is over asks nothing of the closed store", async () => {
    const store = new MemoryStore();
    await startEngine({ store });
    const { engine, clock, failures, events } = await startEngine({ store: new MemoryStore(store) });
    await engine[Symbol.asyncDispose]();
    await clock.advance(10_000);
    expect(failures).toEqual([]);
    expect(events).not.toContain("dispatch.begun");
  });
});
