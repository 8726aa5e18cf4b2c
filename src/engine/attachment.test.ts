import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId, taskNumber } from "../../test/support/tasks.ts";
import type { VirtualClock } from "../../test/support/virtual-clock.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { MAX_FRAME_BYTES, MAX_KNOWN_QUEUES } from "./settings.ts";

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
    expect(again.cancels).toEqual([]);
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
    expect((await engine.get(taskId(0)))?.history).toMatchObject([
      { analyzerId: "holder", error: { code: "ANALYZER_LOST" } },
    ]);
  });

  test("keeps its leases through a pause of the node, in which nobody could return", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    holder.break();
    await clock.advance(1000);
    clock.pause(60_000);
    await clock.advance(100);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.settle();
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED"]);
    again.break();
    // A grace that the node slept through begins again, and ends when the node stays awake.
    clock.pause(60_000);
    await clock.advance(5100);
    expect((await engine.get(taskId(0)))?.history[0]?.error.code).toBe("ANALYZER_LOST");
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

  test("in good order may come before a hello", async () => {
    const { engine, clock, failures } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").finish();
    await clock.settle();
    expect([analyzer.isEnded, analyzer.error]).toEqual([true, undefined]);
    expect(failures).toEqual([]);
  });

  test("in good order is not undone by a stream that breaks before its last receipt", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock, failures, events } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    gated.shut();
    analyzer.complete(analyzer.leases().slice(0, 1), 0).finish();
    await clock.settle();
    analyzer.break();
    gated.open();
    await clock.advance(10_000);
    expect(await engine.get(taskId(0))).toMatchObject({ state: "COMPLETED" });
    expect(await engine.get(taskId(1))).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(events.slice(-1)).toEqual(["analyzer.left"]);
    expect(failures).toEqual([]);
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

  test("does not come for a pause of the node however short the lease is", async () => {
    const { engine, clock } = await startEngine({ settings: { leaseMs: 1000 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello();
    await clock.advance(330);
    clock.pause(120_000);
    await clock.advance(0);
    expect(analyzer.isEnded).toBe(false);
    // A third of the lease for the heartbeat that was due, a third for the pause: the last third is left.
    await clock.advance(300);
    expect(analyzer.isEnded).toBe(false);
    await clock.advance(1000);
    expect(analyzer.error?.code).toBe("DEADLINE_EXCEEDED");
  });
});

describe("a grace that the node slept through", () => {
  test("begins again, so that analyzers that returned meanwhile are heard first", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    holder.break();
    await clock.advance(1000);
    clock.pause(60_000);
    await clock.advance(100);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.advance(10_000);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED"]);
  });

  test("ends when the node is awake", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    holder.break();
    clock.pause(60_000);
    await clock.advance(5100);
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 1);
    await clock.settle();
    expect(other.deliveries.map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("does not begin dispatch after a crash before the analyzers were heard", async () => {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    const holder = new ScriptedAnalyzer(before.engine, "holder").hello({ maxInFlight: 1 }, 1);
    await Promise.all([before.engine.submit(makeTasks(1)), before.clock.settle()]);
    const { engine, clock } = await startEngine({ store: new MemoryStore(store) });
    clock.pause(60_000);
    await clock.advance(100);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.advance(10_000);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED"]);
  });
});

describe("a hello", () => {
  test("may hold as many leases as any window has room for, and no more", async () => {
    const { engine, clock } = await startEngine({ settings: { maxInFlight: 3 } });
    const claims = [1, 2, 3, 4].map((lease) => ({ lease, taskId: taskId(lease), attempt: 1 }));
    const full = new ScriptedAnalyzer(engine, "full").hello({ held: claims.slice(1) });
    const over = new ScriptedAnalyzer(engine, "over").hello({ held: claims });
    await clock.settle();
    expect(full.welcome?.held.map(({ state }) => state)).toEqual(["LOST", "LOST", "LOST"]);
    expect(over.error?.code).toBe("INVALID_ARGUMENT");
  });

  test("that holds leases of others gets none of them", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    const thief = new ScriptedAnalyzer(engine, "thief").hello({ held: heldBy(holder) });
    await clock.settle();
    expect(thief.welcome?.held.map(({ state }) => state)).toEqual(["LOST"]);
    holder.complete(holder.leases(), 0);
    await clock.settle();
    expect(holder.accepted).toEqual(holder.leases());
  });

  test("shows who has come, where from, and with what", async () => {
    const { engine, clock } = await startEngine();
    await clock.advance(1000);
    const attachedMs = clock.wallMs();
    const said = { weight: 0.5, version: "2.1", labels: { zone: "b" } };
    new ScriptedAnalyzer(engine, "a").hello({ ...said, maxInFlight: 7 }, 3);
    await clock.settle();
    await clock.advance(10);
    const { analyzers } = await engine.figures("");
    expect(analyzers).toMatchObject([
      {
        ...said,
        id: "a",
        state: "ATTACHED",
        attachedMs,
        lastFrameMs: 10,
        peer: "scripted",
        queues: ["q"],
        maxInFlight: 7,
        credit: 3,
        inFlight: 0,
      },
    ]);
  });

  test("that returns says anew what it serves, with which weight and window", async () => {
    const { engine, clock } = await startEngine();
    new ScriptedAnalyzer(engine, "a").hello({ queue: "q", weight: 1, maxInFlight: 5, version: "1" }, 5);
    await clock.settle();
    const again = new ScriptedAnalyzer(engine, "a").hello({ queue: "r", weight: 3, version: "2" }, 5);
    await clock.settle();
    const tasks = [...makeTasks(1), ...makeTasks(1, 1, { queue: "r" })];
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(again.deliveries.map(taskNumber)).toEqual([1]);
    const { analyzers } = await engine.figures("");
    expect(analyzers).toMatchObject([{ weight: 3, version: "2", queues: ["r"], maxInFlight: 30, credit: 4 }]);
  });

  test("may name new queues up to the limit of the node, and known ones always", async () => {
    const { engine, clock } = await startEngine();
    const named = (count: number, first = 0) =>
      Array.from({ length: count }, (_, index) => ({ queue: `q${first + index}`, weight: 1 }));
    const filling = new ScriptedAnalyzer(engine, "filling").hello({ subscriptions: named(MAX_KNOWN_QUEUES) });
    const known = new ScriptedAnalyzer(engine, "known").hello({ subscriptions: named(2) });
    const over = new ScriptedAnalyzer(engine, "over").hello({ subscriptions: named(2, MAX_KNOWN_QUEUES - 1) });
    await clock.settle();
    expect([filling, known].map(({ isEnded }) => isEnded)).toEqual([false, false]);
    expect(over.error?.code).toBe("RESOURCE_EXHAUSTED");
    await engine.configureQueue("made by an operator", {});
    const again = new ScriptedAnalyzer(engine, "known").hello({ subscriptions: named(2) });
    await clock.settle();
    expect(again.isEnded).toBe(false);
  });
});

describe("an operator's weight", () => {
  test("leaves alone a window whose size the analyzer has chosen", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 4 }, 4);
    await clock.settle();
    engine.setWeight("a", 5);
    await clock.settle();
    expect(analyzer.changes).toEqual([{ weight: 5, maxInFlight: 4 }]);
    expect((await engine.figures("")).analyzers).toMatchObject([{ weight: 5, maxInFlight: 4 }]);
  });

  test("holds in every queue that the analyzer serves, and within the largest window", async () => {
    const { engine, clock } = await startEngine({ settings: { maxInFlight: 25 } });
    const subscriptions = ["q", "r"].map((queue) => ({ queue, weight: 1 }));
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ subscriptions });
    new ScriptedAnalyzer(engine, "b").hello({ subscriptions });
    await clock.settle();
    engine.setWeight("a", 3);
    await clock.settle();
    expect(analyzer.changes).toEqual([{ weight: 3, maxInFlight: 25 }]);
    for (const queue of ["q", "r"]) {
      const { shares } = await engine.configureQueue(queue, {});
      expect(shares.map(({ weight, expected }) => [weight, expected])).toEqual([
        [3, 0.75],
        [1, 0.25],
      ]);
    }
  });

  test("that makes room lets rested credit be used at once", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ weight: 1 }, 10);
    await clock.settle();
    engine.setWeight("a", 0.2);
    await Promise.all([engine.submit(makeTasks(8)), clock.settle()]);
    expect(analyzer.deliveries).toHaveLength(2);
    engine.setWeight("a", 1);
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(8);
  });
});

describe("what never left the node", () => {
  /** An analyzer with two tasks, of which the second waits for its socket. */
  async function nodeWithUnsent() {
    const { engine, clock, events } = await startEngine({ settings: { leaseMs: 3000 } });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await clock.settle();
    analyzer.takesMore = false;
    const tasks = [1, 2].map((n) => makeTask(n, { spec: new Uint8Array(MAX_FRAME_BYTES - n) }));
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(analyzer.deliveries).toHaveLength(1);
    return { engine, clock, events, analyzer };
  }

  test("goes back uncharged when the stream breaks, at once", async () => {
    const { engine, clock, analyzer } = await nodeWithUnsent();
    analyzer.break();
    await clock.settle();
    expect(await engine.get(taskId(1))).toMatchObject({ state: "RUNNING", attempts: 0 });
    expect(await engine.get(taskId(2))).toMatchObject({ state: "PENDING", attempts: 0 });
    await clock.advance(5000);
    expect(await engine.get(taskId(1))).toMatchObject({ state: "PENDING", attempts: 1 });
  });

  test("goes back uncharged when the analyzer is lost, and what it got is charged", async () => {
    const { engine, clock, events } = await nodeWithUnsent();
    await clock.advance(3500);
    expect(await engine.get(taskId(1))).toMatchObject({ state: "PENDING", attempts: 1 });
    expect(await engine.get(taskId(2))).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(events).toContain("analyzer.lost");
  });
});

describe("a return", () => {
  test("starts the resume grace anew when its stream breaks again", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    const state = async () => (await engine.figures("")).analyzers[0]?.state;
    holder.break();
    await clock.advance(4000);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.advance(500);
    again.break();
    await clock.advance(4999);
    expect(await state()).toBe("DETACHED");
    expect(await engine.get(taskId(0))).toMatchObject({ state: "RUNNING", attempts: 0 });
    await clock.advance(1);
    expect(await state()).toBe("GONE");
    expect(await engine.get(taskId(0))).toMatchObject({ state: "PENDING", attempts: 1 });
  });

  test("asks the store only for leases that the node does not know", async () => {
    const store = new MemoryStore();
    const asked: number[][] = [];
    const adopt = store.adopt.bind(store);
    store.adopt = (claims) => {
      asked.push(claims.map(({ lease }) => lease));
      return adopt(claims);
    };
    const { engine, clock } = await startEngine({ store });
    const holder = new ScriptedAnalyzer(engine, "holder").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    new ScriptedAnalyzer(engine, "holder").hello({ held: heldBy(holder) });
    await clock.settle();
    expect(asked).toEqual([]);
    const unknown = { lease: 77, taskId: taskId(7), attempt: 1 };
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: [...heldBy(holder), unknown] });
    await clock.settle();
    expect(asked).toEqual([[77]]);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED", "LOST"]);
  });

  test.each([
    ["has ended", false],
    ["is about to end", true],
  ])("loses a lease whose attempt timed out while the store looked for others, and %s", async (_name, isLate) => {
    const inner = gateStore(new MemoryStore(), ["finish"]);
    const outer = gateStore(inner.store, ["adopt"]);
    const { engine, clock, failures } = await startEngine({ store: outer.store });
    const holder = new ScriptedAnalyzer(engine, "holder").hello({}, 1);
    await Promise.all([engine.submit([makeTask(0, { timeoutMs: 1000 })]), clock.settle()]);
    outer.shut();
    const unknown = { lease: 77, taskId: taskId(7), attempt: 1 };
    const again = new ScriptedAnalyzer(engine, "holder").hello({ held: [...heldBy(holder), unknown] });
    await clock.settle();
    if (isLate) inner.shut();
    await clock.advance(1000);
    outer.open();
    await clock.settle();
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["LOST", "LOST"]);
    expect((await engine.figures("")).analyzers).toMatchObject([{ inFlight: 0 }]);
    inner.open();
    await clock.settle();
    expect(await engine.get(taskId(0))).toMatchObject({ state: "RETRYING", attempts: 1 });
    expect(failures).toEqual([]);
  });

  test("gives back uncharged what it does not hold any more", async () => {
    const { engine, clock, holder } = await nodeWithHolder(2);
    const [, kept] = heldBy(holder);
    holder.break();
    new ScriptedAnalyzer(engine, "holder").hello({ held: kept === undefined ? [] : [kept] });
    await clock.settle();
    expect(await engine.get(taskId(0))).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(await engine.get(taskId(1))).toMatchObject({ state: "RUNNING", attempts: 0 });
  });

  test("after a good-bye is like a first coming", async () => {
    const { engine, clock, holder, failures } = await nodeWithHolder(1);
    holder.finish();
    await clock.settle();
    const again = new ScriptedAnalyzer(engine, "holder").hello({}, 1);
    await clock.settle();
    expect(again.deliveries.map((d) => [taskNumber(d), d.attempt])).toEqual([[0, 1]]);
    expect(failures).toEqual([]);
  });
});

describe("the events of an analyzer", () => {
  const cases: [string, (a: ScriptedAnalyzer, clock: VirtualClock) => unknown, string[]][] = [
    ["that says good-bye", (a) => a.finish(), ["analyzer.left"]],
    [
      "whose stream breaks while it holds nothing",
      async (a, clock) => {
        a.complete(a.leases(), 0);
        await clock.settle();
        a.break();
      },
      ["analyzer.left"],
    ],
    ["whose stream breaks", (a) => a.break(), ["analyzer.detached"]],
    ["that does not return", (a, clock) => a.break() && clock.advance(5000), ["analyzer.detached", "analyzer.lost"]],
    ["that falls silent", (_, clock) => clock.advance(30_000), ["analyzer.lost"]],
    ["that breaks the protocol", (a) => a.hello(), ["analyzer.refused", "analyzer.detached"]],
  ];
  test.each(cases)("%s", async (_name, happen, expected) => {
    const { clock, holder, events } = await nodeWithHolder(1);
    expect(events).toContain("analyzer.attached");
    events.length = 0;
    await happen(holder, clock);
    await clock.settle();
    expect(events).toEqual(expected);
  });

  test("that comes again", async () => {
    const { engine, clock, events } = await nodeWithHolder(1);
    events.length = 0;
    new ScriptedAnalyzer(engine, "holder").hello();
    await clock.settle();
    expect(events).toEqual(["analyzer.replaced", "analyzer.attached"]);
  });
});

describe("after a crash of the node", () => {
  /** A node that starts after a crash in which an analyzer held the given number of tasks, whose adoption waits. */
  async function crashed(count: number) {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    const holder = new ScriptedAnalyzer(before.engine, "holder").hello({ maxInFlight: count }, count);
    await Promise.all([before.engine.submit(makeTasks(count)), before.clock.settle()]);
    const gated = gateStore(new MemoryStore(store), ["adopt"]);
    const after = await startEngine({ store: gated.store });
    return { ...after, gated, holder, held: heldBy(holder) };
  }

  test("an adopted lease counts in the window, and nothing is leased twice", async () => {
    const { engine, clock, held, holder } = await crashed(2);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ maxInFlight: 3, held }, 1);
    await clock.settle();
    expect((await engine.figures("")).analyzers).toMatchObject([{ inFlight: 2, credit: 1, maxInFlight: 3 }]);
    again.credit(1);
    await clock.settle();
    expect(again.error?.code).toBe("OUT_OF_RANGE");
    expect((await engine.figures("")).node.leases).toBe(holder.leases().length);
  });

  test("leases go back uncharged when their analyzer's stream breaks while the store looks for them", async () => {
    const { engine, clock, gated, held, failures } = await crashed(2);
    gated.shut();
    const again = new ScriptedAnalyzer(engine, "holder").hello({
      held: [...held, { lease: 1, taskId: taskId(9), attempt: 1 }],
    });
    await clock.settle();
    again.break();
    gated.open();
    await clock.settle();
    expect(again.welcome).toBeUndefined();
    for (const number of [0, 1]) {
      expect(await engine.get(taskId(number))).toMatchObject({ state: "PENDING", attempts: 0, lease: 0 });
    }
    expect((await engine.figures("")).node.leases).toBe(0);
    expect(failures).toEqual([]);
  });

  test("a lease of a queue that the analyzer no longer serves is adopted, and brings no more of that queue", async () => {
    const { engine, clock, held, holder } = await crashed(1);
    const again = new ScriptedAnalyzer(engine, "holder").hello({ queue: "r", held }, 5);
    await clock.advance(5000);
    expect(again.welcome?.held.map(({ state }) => state)).toEqual(["ADOPTED"]);
    const tasks = [...makeTasks(1, 10), ...makeTasks(1, 11, { queue: "r" })];
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(again.deliveries.map(taskNumber)).toEqual([11]);
    again.complete(holder.leases(), 0);
    await clock.settle();
    expect(again.accepted).toEqual(holder.leases());
  });

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
