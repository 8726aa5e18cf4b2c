import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask } from "../../test/support/tasks.ts";
import type { HistogramFigures } from "../core/histogram.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";

/** The bounds of the buckets that values fell into, with how many. */
function observed({ bounds, counts }: HistogramFigures): [bound: number, count: number][] {
  return Array.from(counts)
    .map((count, index): [number, number] => [bounds[index] ?? Number.POSITIVE_INFINITY, count])
    .filter(([, count]) => count > 0);
}

describe("timings", () => {
  test("tell how long a task waited for its first delivery, and how long each attempt ran", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    await clock.advance(700);
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    const { wait, run } = engine.vitals().timings;
    expect(observed(wait)).toEqual([[1000, 1]]);
    expect(wait.sum).toBe(700);
    await clock.advance(40);
    analyzer.fail(analyzer.leases()[0] ?? 0).credit(1);
    await clock.advance(2000);
    expect(analyzer.deliveries).toHaveLength(2);
    analyzer.complete(analyzer.leases(1));
    await clock.settle();
    // The second delivery is no wait of a submitted task.
    expect(observed(wait)).toEqual([[1000, 1]]);
    expect(observed(run).reduce((sum, [, count]) => sum + count, 0)).toBe(2);
    expect(observed(run)[0]).toEqual([50, 1]);
  });

  test("do not take a released task for a run", async () => {
    const { engine, clock } = await startEngine();
    await Promise.all([engine.submit([makeTask(1)]), clock.settle()]);
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    analyzer.frame({ releases: analyzer.leases() });
    await clock.settle();
    expect(observed(engine.vitals().timings.run)).toEqual([]);
  });

  test("tell how long commits take, and how long one has been under way (T2)", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const { timings } = engine.vitals();
    gated.shut();
    const answer = engine.submit([makeTask(1)]);
    await clock.settle();
    await clock.advance(300);
    expect(engine.vitals()).toMatchObject({ oldestCommitMs: 300, isDraining: false, hasFailed: false });
    expect(observed(timings.insertCommit)).toEqual([]);
    gated.open();
    await Promise.all([answer, clock.settle()]);
    expect(engine.vitals().oldestCommitMs).toBe(0);
    expect(observed(timings.insertCommit)).toEqual([[500, 1]]);
    expect(observed(timings.finishCommit)).toEqual([]);
  });
});
