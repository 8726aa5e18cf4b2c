import { describe, expect, test } from "vitest";
import { makeParts, startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { QueueSettings } from "../store/port.ts";
import { Engine } from "./engine.ts";

describe("a stream", () => {
  test("gets a session id that no other session of this or another start has", async () => {
    const store = new MemoryStore();
    const ids: (string | undefined)[] = [];
    for (let start = 0; start < 2; start++) {
      const { engine, clock } = await startEngine({ store: start === 0 ? store : new MemoryStore(store) });
      for (const id of ["a", "b"]) {
        const analyzer = new ScriptedAnalyzer(engine, id).hello();
        await clock.settle();
        ids.push(analyzer.welcome?.sessionId);
      }
    }
    expect(ids).toEqual(["1-1", "1-2", "2-1", "2-2"]);
  });

  test("is counted while it is open, and makes room when it ends", async () => {
    const { engine, clock } = await startEngine({ settings: { maxSessions: 2 } });
    const sessions = async () => (await engine.figures("")).node.sessions;
    const first = new ScriptedAnalyzer(engine, "a");
    new ScriptedAnalyzer(engine, "b").hello();
    await clock.settle();
    expect(await sessions()).toBe(2);
    expect(new ScriptedAnalyzer(engine, "c").error?.code).toBe("RESOURCE_EXHAUSTED");
    expect(await sessions()).toBe(2);
    first.break();
    expect(await sessions()).toBe(1);
    expect(new ScriptedAnalyzer(engine, "c").isEnded).toBe(false);
  });

  test("is refused by a node that drains, and by one whose storage has failed", async () => {
    const draining = await startEngine();
    void draining.engine.drain();
    expect(new ScriptedAnalyzer(draining.engine, "a").error?.code).toBe("UNAVAILABLE");
    const gated = gateStore(new MemoryStore());
    const broken = await startEngine({ store: gated.store });
    gated.fail(new Error("the disk is gone"));
    await Promise.all([broken.engine.submit([makeTask(1)]).catch(() => {}), broken.clock.settle()]);
    expect(new ScriptedAnalyzer(broken.engine, "a").error?.code).toBe("UNAVAILABLE");
  });

  test("that was taken over by a newer session does not change what holds for that", async () => {
    const { engine, clock } = await startEngine();
    const former = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    former.takesMore = false;
    const present = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    former.writable().finish().break();
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    expect([former.deliveries.length, present.deliveries.length]).toEqual([0, 1]);
    expect(present.isEnded).toBe(false);
  });
});

test("a stream that takes bytes again before its hello is as good as new", async () => {
  const { engine, clock, failures } = await startEngine();
  const analyzer = new ScriptedAnalyzer(engine, "a").writable().hello({}, 1);
  await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
  expect(analyzer.deliveries).toHaveLength(1);
  expect(failures).toEqual([]);
});

describe("a start", () => {
  test("takes up the settings of the queues", async () => {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    await before.engine.configureQueue("q", { paused: true });
    await Promise.all([before.engine.submit(makeTasks(1)), before.clock.settle()]);
    await before.engine[Symbol.asyncDispose]();
    const { engine, clock } = await startEngine({ store: new MemoryStore(store) });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    expect(analyzer.deliveries).toEqual([]);
    await engine.configureQueue("q", { paused: false });
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("holds dispatch for the resume grace after a crash, and says how long still", async () => {
    const store = new MemoryStore();
    await startEngine({ store });
    const { engine, clock, events } = await startEngine({
      store: new MemoryStore(store),
      settings: { resumeGraceMs: 3000 },
    });
    const holdMs = async () => (await engine.figures("")).node.holdMs;
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    expect(events.slice(0, 1)).toEqual(["dispatch.held"]);
    expect(await holdMs()).toBe(3000);
    await clock.advance(2999);
    expect(await holdMs()).toBe(1);
    expect(analyzer.deliveries).toEqual([]);
    expect((await engine.explainTask(taskId(0))).reasons[0]).toMatch("holds dispatch");
    await clock.advance(1);
    expect(await holdMs()).toBe(0);
    expect(events.filter((event) => event.startsWith("dispatch"))).toEqual(["dispatch.held", "dispatch.begun"]);
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("that is held takes adopted leases no more once dispatch has begun", async () => {
    const store = new MemoryStore();
    const before = await startEngine({ store });
    const holder = new ScriptedAnalyzer(before.engine, "a").hello({}, 1);
    await Promise.all([before.engine.submit(makeTasks(1)), before.clock.settle()]);
    const after = await startEngine({ store: new MemoryStore(store) });
    await after.clock.advance(5000);
    const held = holder.leases().map((lease) => ({ lease, taskId: taskId(0), attempt: 1 }));
    const late = new ScriptedAnalyzer(after.engine, "a").hello({ held });
    await after.clock.settle();
    expect(late.welcome?.held.map(({ state }) => state)).toEqual(["LOST"]);
  });

  test("without a crash before it dispatches at once", async () => {
    const { engine, events } = await startEngine();
    expect(events).toEqual(["dispatch.begun"]);
    expect((await engine.figures("")).node.holdMs).toBe(0);
  });

  test("that is overtaken by a drain dispatches nothing", async () => {
    const gated = gateStore(new MemoryStore(), ["beginDispatch"]);
    const { parts, clock, events } = makeParts({ store: gated.store });
    const engine = new Engine(parts);
    gated.shut();
    const started = engine.start();
    await clock.settle();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    const drained = engine.drain();
    gated.open();
    await started;
    await clock.settle();
    await drained;
    expect(analyzer.deliveries).toEqual([]);
    expect(events).not.toContain("dispatch.begun");
  });
});

describe("a queue", () => {
  test("whose store says that work has come from elsewhere is dispatched", async () => {
    class SharedStore extends MemoryStore {
      wake = (_queue: string) => {};
      override onWake(listener?: (queue: string) => void): void {
        if (listener !== undefined) this.wake = listener;
      }
    }
    const store = new SharedStore();
    const { engine, clock } = await startEngine({ store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    await store.insert(makeTasks(1), 0);
    await clock.settle();
    expect(analyzer.deliveries).toEqual([]);
    store.wake("q");
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(1);
  });

  test("for which the store has no room is refused", async () => {
    class FullStore extends MemoryStore {
      override async configureQueue(): Promise<QueueSettings | undefined> {
        return undefined;
      }
    }
    const { engine } = await startEngine({ store: new FullStore() });
    await expect(engine.configureQueue("q", {})).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });

  test("shows its settings and its tasks after a change", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    await engine.configureQueue("other", {});
    const figures = await engine.configureQueue("q", { maxLead: 3 });
    expect(figures).toMatchObject({ name: "q", settings: { maxLead: 3 }, counts: { PENDING: 2 } });
  });
});

describe("an operator", () => {
  test("can change nothing of an analyzer that is not attached", async () => {
    const gated = gateStore(new MemoryStore(), ["adopt"]);
    const { engine, clock } = await startEngine({ store: gated.store });
    const left = new ScriptedAnalyzer(engine, "left").hello();
    await clock.settle();
    left.finish();
    gated.shut();
    new ScriptedAnalyzer(engine, "opening").hello({ held: [{ lease: 2 ** 32, taskId: taskId(0), attempt: 1 }] });
    await clock.settle();
    for (const id of ["unknown", "left", "opening"]) {
      expect(() => engine.setWeight(id, 2)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
      expect(() => engine.drainAnalyzer(id)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    }
    expect(() => engine.explainAnalyzer("unknown")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    expect(engine.explainAnalyzer("left")).toEqual(["gone: it left or was lost"]);
  });

  test("sees what a change of an analyzer has done", async () => {
    const { engine, clock } = await startEngine();
    new ScriptedAnalyzer(engine, "a").hello();
    await clock.settle();
    expect(engine.setWeight("a", 2)).toMatchObject({ id: "a", weight: 2, maxInFlight: 20, state: "ATTACHED" });
    expect(engine.drainAnalyzer("a")).toMatchObject({ id: "a", state: "DRAINING" });
  });
});

describe("a turn", () => {
  test("is one for everything that arrives before it", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 10 }, 4);
    await Promise.all([engine.submit(makeTasks(4)), clock.settle()]);
    let turns = 0;
    const defer = clock.defer.bind(clock);
    clock.defer = (run) => {
      turns += 1;
      defer(run);
    };
    const { frames } = analyzer;
    for (const lease of analyzer.leases()) analyzer.complete([lease], 0);
    const answer = engine.submit(makeTasks(1, 10));
    expect(turns).toBe(1);
    await clock.settle();
    await answer;
    expect(analyzer.accepted).toHaveLength(4);
    expect(analyzer.frames - frames).toBe(1);
    expect(turns).toBeLessThanOrEqual(3);
  });

  test("does nothing any more once storage has failed", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock, failures, events } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    gated.fail(new Error("the disk is gone"));
    analyzer.complete(analyzer.leases());
    await clock.settle();
    analyzer.frame({ releases: [77] });
    await clock.advance(5000);
    expect(analyzer.stale).toEqual([]);
    expect(failures).toHaveLength(1);
    expect(events.filter((event) => event === "store.failed")).toHaveLength(1);
  });
});

test("a node is disposed of once, after its drain, and its store is closed", async () => {
  const store = new MemoryStore();
  let closings = 0;
  const close = store.close.bind(store);
  store.close = () => {
    closings += 1;
    return close();
  };
  const { engine, clock } = await startEngine({ store });
  const analyzer = new ScriptedAnalyzer(engine, "a").hello();
  await clock.settle();
  await engine[Symbol.asyncDispose]();
  expect(analyzer.error?.code).toBe("UNAVAILABLE");
  expect(closings).toBe(1);
  await engine[Symbol.asyncDispose]();
  await expect(store.queues()).rejects.toThrow("not open");
  const reopened = await startEngine({ store: new MemoryStore(store) });
  expect(reopened.events).toEqual(["dispatch.begun"]);
});

test("a node counts its time from its start", async () => {
  const { parts, clock } = makeParts();
  await clock.advance(700);
  const engine = new Engine(parts);
  await engine.start();
  await clock.advance(1500);
  expect((await engine.figures("")).node.uptimeMs).toBe(1500);
});
