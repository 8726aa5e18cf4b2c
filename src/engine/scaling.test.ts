import { describe, expect, test } from "vitest";
import { startEngine, type TestEngine } from "../../test/support/engine.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTasks } from "../../test/support/tasks.ts";

const TARGET_MS = 10_000;

async function submit({ engine, clock }: TestEngine, count: number, first: number): Promise<void> {
  await Promise.all([engine.submit(makeTasks(count, first)), clock.settle()]);
}

/** Lets an analyzer work for a while: each task takes this long, its place is granted again. */
async function work({ clock }: TestEngine, analyzer: ScriptedAnalyzer, rounds: number, runMs: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await clock.advance(runMs);
    analyzer.complete(analyzer.leases(analyzer.accepted.length));
    await clock.settle();
  }
}

describe("the scaling of a queue", () => {
  test("is all zero when nobody knows it", async () => {
    const { engine } = await startEngine();
    expect(await engine.scaling("nobody", TARGET_MS)).toEqual({
      queue: "nobody",
      waiting: 0,
      running: 0,
      arrivalRate: 0,
      serviceRate: 0,
      analyzerRate: 0,
      runMs: 0,
      analyzers: 0,
      analyzersWanted: 0,
    });
    expect((await engine.figures("nobody")).queues).toEqual([]);
  });

  test("asks for one analyzer when work waits and nothing has run", async () => {
    const node = await startEngine();
    await submit(node, 1000, 0);
    expect(await node.engine.scaling("q", TARGET_MS)).toMatchObject({ waiting: 1000, runMs: 0, analyzersWanted: 1 });
  });

  test("follows from what arrives, waits, runs and how long it takes", async () => {
    const node = await startEngine();
    await submit(node, 600, 0);
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ maxInFlight: 2 }, 2);
    await node.clock.settle();
    // Two at a time, 500 ms each: 4 a second.
    await work(node, analyzer, 100, 500);
    const figures = await node.engine.scaling("q", TARGET_MS);
    expect(figures).toMatchObject({ waiting: 398, running: 2, analyzers: 1 });
    expect(figures.runMs).toBeGreaterThan(490);
    expect(figures.runMs).toBeLessThan(515);
    expect(figures.serviceRate).toBeGreaterThan(3.7);
    expect(figures.serviceRate).toBeLessThan(4.3);
    expect(figures.analyzerRate).toBeCloseTo(2000 / figures.runMs, 6);
    // 398 in 10 s are 39.8 a second, and what came in the beginning still counts a little.
    const rate = figures.arrivalRate + 39.8;
    expect(figures.analyzersWanted).toBe(Math.ceil(rate / figures.analyzerRate));
    expect(figures.analyzersWanted).toBeLessThan(13);
    expect(figures.analyzersWanted).toBeGreaterThan(9);
  });

  test("remembers what an analyzer does when none is left", async () => {
    const node = await startEngine();
    await submit(node, 100, 0);
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ maxInFlight: 2 }, 2);
    await node.clock.settle();
    await work(node, analyzer, 50, 500);
    expect(await node.engine.scaling("q", TARGET_MS)).toMatchObject({ waiting: 0, running: 0, analyzers: 1 });
    analyzer.finish();
    await node.clock.advance(120_000);
    expect(await node.engine.scaling("q", TARGET_MS)).toMatchObject({ analyzers: 0, analyzersWanted: 0 });
    await submit(node, 400, 1000);
    const { analyzersWanted, analyzerRate } = await node.engine.scaling("q", TARGET_MS);
    expect(analyzerRate).toBeGreaterThan(3.5);
    expect(analyzersWanted).toBeGreaterThan(9);
  });

  test("counts the part of its places that an analyzer of several queues has for it", async () => {
    const node = await startEngine();
    await submit(node, 30, 0);
    const subscriptions = [
      { queue: "q", weight: 1 },
      { queue: "other", weight: 3 },
    ];
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ subscriptions, maxInFlight: 8 }, 8);
    await node.clock.settle();
    await work(node, analyzer, 2, 1000);
    const { analyzerRate, runMs } = await node.engine.scaling("q", TARGET_MS);
    expect(analyzerRate).toBeCloseTo(2000 / runMs, 6);
  });

  test("keeps the analyzers of a paused queue only while they run something", async () => {
    const node = await startEngine();
    await submit(node, 500, 0);
    const analyzer = new ScriptedAnalyzer(node.engine, "a").hello({ maxInFlight: 1 }, 1);
    await node.clock.settle();
    await work(node, analyzer, 2, 1000);
    expect((await node.engine.scaling("q", TARGET_MS)).analyzersWanted).toBeGreaterThan(40);
    await node.engine.configureQueue("q", { paused: true });
    expect((await node.engine.scaling("q", TARGET_MS)).analyzersWanted).toBe(1);
  });
});
