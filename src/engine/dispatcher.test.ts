import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { makeParts, startEngine, type TestEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskNumber } from "../../test/support/tasks.ts";
import { LEASES_PER_EPOCH, makeLease } from "../core/lease.ts";
import { MAX_TURN_DELIVERIES } from "../core/limits.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Endings } from "./endings.ts";
import { NodeState } from "./node-state.ts";
import { MAX_FRAME_BYTES, MAX_TURN_BYTES, UNREAD_RETURN_MS } from "./settings.ts";

const WEIGHTS = [0.4, 0.3, 0.2, 0.1];

/** Lets every analyzer answer what it holds, round after round, until the queue is empty. */
async function workOff({ clock }: TestEngine, analyzers: readonly ScriptedAnalyzer[]): Promise<void> {
  const answered = new Map(analyzers.map((analyzer) => [analyzer, 0]));
  for (let isWorking = true; isWorking; ) {
    isWorking = false;
    for (const analyzer of analyzers) {
      const from = answered.get(analyzer) ?? 0;
      const leases = analyzer.leases(from);
      if (leases.length === 0) continue;
      isWorking = true;
      answered.set(analyzer, from + leases.length);
      analyzer.complete(leases);
    }
    await clock.settle();
  }
}

describe("dispatch", () => {
  test("weights 0.4/0.3/0.2/0.1 receive 40/30/20/10 % of the work", async () => {
    const node = await startEngine();
    const analyzers = WEIGHTS.map((weight, i) =>
      new ScriptedAnalyzer(node.engine, `a${i}`).hello({ weight }, 10 * weight),
    );
    await node.clock.settle();
    await Promise.all([node.engine.submit(makeTasks(1000)), node.clock.settle()]);
    await workOff(node, analyzers);
    const counts = analyzers.map(({ deliveries }) => deliveries.length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(1000);
    for (const [i, weight] of WEIGHTS.entries())
      expect(Math.abs((counts[i] ?? 0) - 1000 * weight)).toBeLessThanOrEqual(4);
  });

  test("every task is delivered once, in submission order, to analyzers with any weights and windows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
            window: fc.integer({ min: 1, max: 20 }),
          }),
          {
            minLength: 1,
            maxLength: 5,
          },
        ),
        fc.integer({ min: 1, max: 120 }),
        async (specs, count) => {
          const node = await startEngine();
          const analyzers = specs.map(({ weight, window }, i) =>
            new ScriptedAnalyzer(node.engine, `a${i}`).hello({ weight, maxInFlight: window }, window),
          );
          await node.clock.settle();
          await Promise.all([node.engine.submit(makeTasks(count)), node.clock.settle()]);
          await workOff(node, analyzers);
          const delivered = analyzers.flatMap(({ deliveries }) => deliveries).sort((a, b) => a.lease - b.lease);
          expect(delivered.map(taskNumber)).toEqual(Array.from({ length: count }, (_, i) => i));
        },
      ),
      { numRuns: 50 },
    );
  });

  test("nobody gets more than the credit it granted", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 3);
    await Promise.all([engine.submit(makeTasks(10)), clock.settle()]);
    expect(analyzer.deliveries).toHaveLength(3);
    analyzer.complete(analyzer.leases(), 0);
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(3);
    analyzer.credit(2);
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(5);
  });

  test("an analyzer whose socket takes no more is passed over until it does", async () => {
    const { engine, clock } = await startEngine();
    const slow = new ScriptedAnalyzer(engine, "slow").hello({ maxInFlight: 10 }, 5);
    const quick = new ScriptedAnalyzer(engine, "quick").hello({ maxInFlight: 10 }, 10);
    await clock.settle();
    slow.takesMore = false;
    await Promise.all([engine.submit(makeTasks(4)), clock.settle()]);
    const before = slow.deliveries.length;
    await Promise.all([engine.submit(makeTasks(6, 4)), clock.settle()]);
    expect(slow.deliveries).toHaveLength(before);
    expect(quick.deliveries).toHaveLength(10 - before);
    slow.writable();
    await Promise.all([engine.submit(makeTasks(2, 10)), clock.settle()]);
    expect(slow.deliveries.length).toBeGreaterThan(before);
  });

  test("what waits for an analyzer that does not read goes to others, uncharged, and its credit stays (W4)", async () => {
    const { engine, clock } = await startEngine();
    const deaf = new ScriptedAnalyzer(engine, "deaf").hello({ maxInFlight: 10 }, 5);
    await clock.settle();
    deaf.takesMore = false;
    const spec = new Uint8Array(MAX_FRAME_BYTES);
    await Promise.all([engine.submit(makeTasks(3, 0, { spec })), clock.settle()]);
    expect(deaf.deliveries).toHaveLength(1);
    const reads = new ScriptedAnalyzer(engine, "reads").hello({ maxInFlight: 10 }, 10);
    await clock.advance(2 * UNREAD_RETURN_MS);
    expect(reads.deliveries.map(({ attempt }) => attempt)).toEqual([1, 1]);
    const { analyzers } = await engine.figures("");
    expect(analyzers.find(({ id }) => id === "deaf")).toMatchObject({ credit: 4, inFlight: 1 });
    deaf.writable();
    await Promise.all([engine.submit(makeTasks(8, 3)), clock.settle()]);
    expect(deaf.deliveries.length).toBeGreaterThan(1);
  });

  test("nobody is chosen for more bytes in a turn than go into a frame (D3)", async () => {
    const store = new MemoryStore();
    const claim = vi.spyOn(store, "claim");
    const { engine, clock } = await startEngine({ store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 1000 }, 1000);
    const spec = new Uint8Array(MAX_FRAME_BYTES / 4);
    await engine.configureQueue("q", { paused: true });
    await Promise.all([engine.submit(makeTasks(200, 0, { spec })), clock.settle()]);
    await engine.configureQueue("q", { paused: false });
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(200);
    // The size of tasks is not known at first; it is after some ten of them.
    const counts = claim.mock.calls.map(([, , count]) => count);
    expect(counts[0]).toBe(16);
    expect(Math.max(...counts.slice(1))).toBeLessThanOrEqual(5);
  });

  test("a paused queue delivers nothing until it is resumed", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 5);
    await engine.configureQueue("q", { paused: true });
    await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
    expect(analyzer.deliveries).toHaveLength(0);
    await engine.configureQueue("q", { paused: false });
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(3);
  });

  test("an analyzer of two queues serves them by the weights it gave, and neither starves", async () => {
    const node = await startEngine();
    const subscriptions = [
      { queue: "q", weight: 3 },
      { queue: "r", weight: 1 },
    ];
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ subscriptions }, 4);
    await node.clock.settle();
    const tasks = [...makeTasks(200), ...makeTasks(200, 1000, { queue: "r" })];
    await Promise.all([node.engine.submit(tasks), node.clock.settle()]);
    for (let answered = 0; analyzer.deliveries.length < 100; ) {
      const leases = analyzer.leases(answered);
      answered += leases.length;
      analyzer.complete(leases);
      await node.clock.settle();
    }
    const ofR = analyzer.deliveries.slice(0, 100).filter((delivery) => taskNumber(delivery) >= 1000).length;
    expect(ofR).toBe(25);
  });

  test("only the proportions of an analyzer's own weights matter between its queues, not their sum", async () => {
    const ofR = async (scale: number) => {
      const node = await startEngine();
      const subscribe = (q: number, r: number) => [
        { queue: "q", weight: q },
        { queue: "r", weight: r },
      ];
      const analyzers = [
        new ScriptedAnalyzer(node.engine, "a").hello({ subscriptions: subscribe(1, 1) }, 1),
        new ScriptedAnalyzer(node.engine, "b").hello({ subscriptions: subscribe(scale, 3 * scale) }, 1),
      ];
      await node.clock.settle();
      const tasks = [...makeTasks(300), ...makeTasks(300, 1000, { queue: "r" })];
      await Promise.all([node.engine.submit(tasks), node.clock.settle()]);
      for (let round = 0; round < 100; round++) {
        for (const analyzer of analyzers) analyzer.complete(analyzer.leases().slice(-1));
        await node.clock.settle();
      }
      return analyzers.map(({ deliveries }) => deliveries.filter((delivery) => taskNumber(delivery) >= 1000).length);
    };
    expect(await ofR(1000)).toEqual(await ofR(1));
  });

  test("an analyzer of its own for one queue does not starve another queue of a shared analyzer", async () => {
    const node = await startEngine();
    const own = new ScriptedAnalyzer(node.engine, "own").hello(
      { subscriptions: [{ queue: "q", weight: 1_000_000 }] },
      1,
    );
    const shared = new ScriptedAnalyzer(node.engine, "shared").hello(
      { subscriptions: ["q", "r"].map((queue) => ({ queue, weight: 1 })) },
      1,
    );
    await node.clock.settle();
    const tasks = [...makeTasks(100), ...makeTasks(20, 1000, { queue: "r" })];
    await Promise.all([node.engine.submit(tasks), node.clock.settle()]);
    await workOff(node, [own, shared]);
    const first = shared.deliveries.slice(0, 40).filter((delivery) => taskNumber(delivery) >= 1000).length;
    expect(first).toBe(20);
  });

  test("with max lead 1 a quick analyzer waits for the slow one, which stops counting when it is stuck", async () => {
    const { engine, clock } = await startEngine();
    await engine.configureQueue("q", { maxLead: 1, holdMs: 1000 });
    const quick = new ScriptedAnalyzer(engine, "quick").hello({ maxInFlight: 100 }, 100);
    const stuck = new ScriptedAnalyzer(engine, "stuck").hello({ maxInFlight: 1 }, 1);
    await clock.settle();
    await Promise.all([engine.submit(makeTasks(20)), clock.settle()]);
    expect(stuck.deliveries).toHaveLength(1);
    expect(quick.deliveries.length).toBeLessThanOrEqual(3);
    await clock.advance(1001);
    expect(quick.deliveries).toHaveLength(19);
  });

  test("weights changed from 1:1 to 3:1 give 75/25 of the following 1,000 tasks", async () => {
    const node = await startEngine();
    const analyzers = ["a", "b"].map((id) => new ScriptedAnalyzer(node.engine, id).hello({}, 10));
    await node.clock.settle();
    await Promise.all([node.engine.submit(makeTasks(1500)), node.clock.settle()]);
    node.engine.setWeight("a", 3);
    await node.clock.settle();
    expect(analyzers[0]?.changes).toEqual([{ weight: 3, maxInFlight: 30 }]);
    expect(analyzers[1]?.changes).toEqual([]);
    // The analyzer does as the frame says: it grants the room it has won.
    analyzers[0]?.credit(20);
    await node.clock.settle();
    const before = analyzers.map(({ deliveries }) => deliveries.length);
    const answered = [...before.keys()].map(() => 0);
    while (analyzers.reduce((sum, { deliveries }) => sum + deliveries.length, 0) < 1040) {
      for (const [i, analyzer] of analyzers.entries()) {
        const leases = analyzer.leases(answered[i]);
        answered[i] = analyzer.deliveries.length;
        analyzer.complete(leases);
      }
      await node.clock.settle();
    }
    const [a = 0, b = 0] = analyzers.map(({ deliveries }, i) => deliveries.length - (before[i] ?? 0));
    expect(Math.abs((100 * a) / (a + b) - 75)).toBeLessThanOrEqual(2);
  });

  test("a smaller weight shrinks the window at once, whatever was granted before", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ weight: 1 }, 10);
    await clock.settle();
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    engine.setWeight("a", 0.2);
    await Promise.all([engine.submit(makeTasks(8, 2)), clock.settle()]);
    expect(analyzer.deliveries).toHaveLength(2);
    analyzer.complete(analyzer.leases().slice(0, 1), 0);
    await clock.settle();
    expect(analyzer.deliveries).toHaveLength(3);
  });
});

describe("a claim that brings less than was decided", () => {
  /** A store that promises more than it can hand out until it is asked to, as one that many nodes share may. */
  class BoastfulStore extends MemoryStore {
    promised = 0;
    readonly claims: { first: number; count: number }[] = [];

    override readyHint(queue: string): number {
      return Math.max(this.promised, super.readyHint(queue));
    }

    override claim(queue: string, firstLease: number, count: number) {
      this.claims.push({ first: firstLease, count });
      this.promised = 0;
      return super.claim(queue, firstLease, count);
    }
  }

  test("costs nobody its credit or its place in the share (D1)", async () => {
    const store = new BoastfulStore();
    const { engine, clock } = await startEngine({ store });
    const analyzers = ["a", "b", "c"].map((id) => new ScriptedAnalyzer(engine, id).hello({ maxInFlight: 2 }, 2));
    await clock.settle();
    store.promised = 5;
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    const figures = await engine.figures("");
    expect(figures.analyzers.map(({ credit, inFlight }) => [credit, inFlight])).toEqual([
      [1, 1],
      [2, 0],
      [2, 0],
    ]);
    expect(figures.queues[0]?.totals).toMatchObject({ delivered: 1 });
    await Promise.all([engine.submit(makeTasks(5, 1)), clock.settle()]);
    expect(analyzers.map(({ deliveries }) => deliveries.map(taskNumber))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });

  test("leaves the rest to whoever has credit, when who was chosen can take no more (D2)", async () => {
    class StingyStore extends MemoryStore {
      most = Number.POSITIVE_INFINITY;

      override claim(queue: string, firstLease: number, count: number) {
        const { most } = this;
        this.most = Number.POSITIVE_INFINITY;
        return super.claim(queue, firstLease, Math.min(count, most));
      }
    }
    const store = new StingyStore();
    const { engine, clock } = await startEngine({ store });
    const light = new ScriptedAnalyzer(engine, "light").hello({ weight: 0.1 }, 1);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    light.complete(light.leases());
    const heavy = new ScriptedAnalyzer(engine, "heavy").hello({ weight: 10 }, 2);
    await clock.settle();
    heavy.takesMore = false;
    store.most = 1;
    await Promise.all([engine.submit(makeTasks(2, 1)), clock.settle()]);
    expect(heavy.deliveries.map(taskNumber)).toEqual([1]);
    expect(light.deliveries.map(taskNumber)).toEqual([0, 2]);
  });

  test("reserves lease numbers for what was decided, each used once", async () => {
    const store = new BoastfulStore();
    const { engine, clock } = await startEngine({ store });
    new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 100 }, 10);
    await clock.settle();
    for (const count of [3, 2]) await Promise.all([engine.submit(makeTasks(count, 10 * count)), clock.settle()]);
    expect(store.claims).toEqual([
      { first: 2 ** 32, count: 3 },
      { first: 2 ** 32 + 3, count: 2 },
    ]);
  });
});

describe("a turn", () => {
  class WatchedStore extends MemoryStore {
    readonly claims: number[] = [];

    override async claim(queue: string, firstLease: number, count: number) {
      const tasks = await super.claim(queue, firstLease, count);
      this.claims.push(tasks.length);
      return tasks;
    }
  }

  test("delivers no more than its limit, and the next ones the rest (D2)", async () => {
    const store = new WatchedStore();
    const { engine, clock } = await startEngine({ store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 5000 }, 5000);
    await Promise.all([engine.submit([makeTask(0)]), clock.settle()]); // now their size is known
    await Promise.all([engine.submit(makeTasks(2 * MAX_TURN_DELIVERIES + 1, 1)), clock.settle()]);
    expect(store.claims).toEqual([1, MAX_TURN_DELIVERIES, MAX_TURN_DELIVERIES, 1]);
    expect(analyzer.deliveries).toHaveLength(2 * MAX_TURN_DELIVERIES + 2);
  });

  test("shares its limit among the queues that compete for it", async () => {
    const store = new WatchedStore();
    const { engine, clock } = await startEngine({ store });
    const subscriptions = ["q", "r"].map((queue) => ({ queue, weight: 1 }));
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({ subscriptions, maxInFlight: 5000 }, 5000);
    await Promise.all([engine.submit([makeTask(0), makeTask(5000, { queue: "r" })]), clock.settle()]);
    store.claims.length = 0;
    const tasks = [...makeTasks(1500, 1), ...makeTasks(1500, 5001, { queue: "r" })];
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(store.claims).toEqual([1000, 1000, 500, 500]);
    expect(analyzer.deliveries).toHaveLength(3002);
  });

  test("takes no more bytes than its limit, as far as sizes are known", async () => {
    const store = new WatchedStore();
    const { engine, clock } = await startEngine({ store });
    // So many that the limit of the turn is reached before anybody has as much as goes into a frame (D3).
    const analyzers = 70;
    for (let n = 0; n < analyzers; n++) new ScriptedAnalyzer(engine, `a${n}`).hello({ maxInFlight: 10 }, 10);
    const spec = new Uint8Array(MAX_FRAME_BYTES / 2);
    await Promise.all([engine.submit([makeTask(0, { spec })]), clock.settle()]);
    store.claims.length = 0;
    await Promise.all([engine.submit(makeTasks(analyzers, 1, { spec })), clock.settle()]);
    const inOneTurn = MAX_TURN_BYTES / spec.length;
    expect(store.claims).toEqual([inOneTurn, analyzers - inOneTurn]);
  });

  test("gives nobody more bytes than go into a frame (D3)", async () => {
    const store = new WatchedStore();
    const { engine, clock } = await startEngine({ store });
    new ScriptedAnalyzer(engine, "a").hello({ maxInFlight: 100 }, 100);
    const spec = new Uint8Array(MAX_FRAME_BYTES / 4);
    await Promise.all([engine.submit([makeTask(0, { spec })]), clock.settle()]);
    store.claims.length = 0;
    await Promise.all([engine.submit(makeTasks(10, 1, { spec })), clock.settle()]);
    expect(store.claims).toEqual([4, 4, 2]);
  });

  test("delivers to an analyzer that came back with a new stream nothing that was decided for the former", async () => {
    const gated = gateStore(new MemoryStore(), ["claim"]);
    const { engine, clock, failures } = await startEngine({ store: gated.store });
    const former = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await clock.settle();
    gated.shut();
    await Promise.all([engine.submit(makeTasks(2)), clock.settle()]);
    const present = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    gated.open();
    await clock.settle();
    expect(former.deliveries).toEqual([]);
    expect(present.deliveries.map((d) => [taskNumber(d), d.attempt])).toEqual([[0, 1]]);
    const { analyzers, queues } = await engine.figures("");
    expect(analyzers).toMatchObject([{ credit: 0, inFlight: 1 }]);
    expect(queues[0]?.counts).toMatchObject({ PENDING: 1, RUNNING: 1 });
    expect(failures).toEqual([]);
  });

  test("delivers nothing to an analyzer that has said good-bye since, even if its stream is still open", async () => {
    const claims = gateStore(new MemoryStore(), ["claim"]);
    const commits = gateStore(claims.store, ["finish"]);
    const { engine, clock } = await startEngine({ store: commits.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 2);
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    claims.shut();
    await Promise.all([engine.submit(makeTasks(1, 1)), clock.settle()]);
    commits.shut();
    analyzer.complete(analyzer.leases(), 0).finish();
    claims.open();
    await clock.settle();
    commits.open();
    await clock.settle();
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0]);
    expect(analyzer.isEnded).toBe(true);
    expect((await engine.figures("q")).queues[0]?.counts).toMatchObject({ COMPLETED: 1, PENDING: 1, RUNNING: 0 });
  });

  test("asks nothing of the store for a queue without work, without takers or paused", async () => {
    const store = new WatchedStore();
    const { engine, clock } = await startEngine({ store });
    new ScriptedAnalyzer(engine, "a").hello({ queue: "idle" }, 2);
    new ScriptedAnalyzer(engine, "b").hello({ queue: "paused" }, 2);
    await engine.configureQueue("paused", { paused: true });
    const tasks = [makeTask(1, { queue: "paused" }), makeTask(2, { queue: "unserved" })];
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(store.claims).toEqual([]);
  });
});

describe("a queue that was idle", () => {
  test("is not owed the turns that it had no work for", async () => {
    const node = await startEngine();
    const subscriptions = ["q", "r"].map((queue) => ({ queue, weight: 1 }));
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ subscriptions }, 1);
    await Promise.all([node.engine.submit(makeTasks(200)), node.clock.settle()]);
    const answerOne = async () => {
      analyzer.complete(analyzer.leases().slice(-1));
      await node.clock.settle();
    };
    for (let answered = 0; answered < 100; answered++) await answerOne();
    await Promise.all([node.engine.submit(makeTasks(50, 1000, { queue: "r" })), node.clock.settle()]);
    for (let answered = 0; answered < 40; answered++) await answerOne();
    const ofR = analyzer.deliveries.slice(-40).filter((delivery) => taskNumber(delivery) >= 1000).length;
    expect(ofR).toBe(20);
  });
});

describe("a bounded lead", () => {
  test("makes the quick one wait exactly for the hold time of one without credit", async () => {
    const { engine, clock } = await startEngine();
    await engine.configureQueue("q", { maxLead: 1, holdMs: 700 });
    const quick = new ScriptedAnalyzer(engine, "quick").hello({ maxInFlight: 100 }, 100);
    new ScriptedAnalyzer(engine, "stuck").hello();
    await clock.settle();
    await clock.advance(200);
    await Promise.all([engine.submit(makeTasks(20)), clock.settle()]);
    expect(quick.deliveries).toHaveLength(1);
    await clock.advance(499);
    expect(quick.deliveries).toHaveLength(1);
    await clock.advance(1);
    expect(quick.deliveries).toHaveLength(20);
  });

  test("sets no timer while nothing waits", async () => {
    const { engine, clock } = await startEngine();
    await engine.configureQueue("q", { maxLead: 1, holdMs: 700 });
    const quick = new ScriptedAnalyzer(engine, "quick").hello({ maxInFlight: 100 }, 100);
    new ScriptedAnalyzer(engine, "stuck").hello();
    await clock.settle();
    const { pendingTimers } = clock;
    await Promise.all([engine.submit(makeTasks(1)), clock.settle()]);
    expect(quick.deliveries).toHaveLength(1);
    expect(clock.pendingTimers).toBe(pendingTimers);
    await Promise.all([engine.submit(makeTasks(1, 1)), clock.settle()]);
    expect(quick.deliveries).toHaveLength(1);
    expect(clock.pendingTimers).toBe(pendingTimers + 1);
    void engine.drain();
    expect(clock.pendingTimers).toBe(pendingTimers + 1); // that of the drain's next look, in place of the share's
  });
});

describe("lease numbers", () => {
  test("that run low get a further epoch from the store, once", async () => {
    const store = new MemoryStore();
    let epochs = 0;
    const nextEpoch = store.nextEpoch.bind(store);
    store.nextEpoch = () => {
      epochs += 1;
      return nextEpoch();
    };
    const { parts, clock, failures } = makeParts({ store });
    const node = new NodeState(parts, () => {});
    await store.open();
    node.leases.reserve(LEASES_PER_EPOCH / 2 + 1);
    const dispatcher = new Dispatcher(node, new Endings(node, { due: () => {}, ended: () => {} }));
    dispatcher.begin();
    const turn = async () => {
      node.nudge(node.queue("q"));
      dispatcher.run();
      await clock.settle();
    };
    await turn();
    expect([epochs, node.leases.wantsEpoch]).toEqual([1, false]);
    await turn();
    expect(epochs).toBe(1);
    node.leases.reserve(LEASES_PER_EPOCH / 2 - 1);
    expect(node.leases.reserve(1)).toBe(makeLease(2, 0));
    expect(failures).toEqual([]);
  });
});
