import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DemandMeter, RUN_TIME_HALF_LIFE_MS, RunTime } from "./demand-meter.ts";

describe("run time", () => {
  test("counts what still runs up to now", () => {
    const runs = new RunTime();
    runs.begin(100);
    runs.begin(150);
    expect(runs.totalMs(200)).toBe(150);
    runs.end(200);
    expect(runs.running).toBe(1);
    expect(runs.totalMs(300)).toBe(250);
    runs.end(300);
    expect(runs.totalMs(1000)).toBe(250);
  });

  test("is the sum of all runs, whatever overlaps", () => {
    const spans = fc.array(fc.record({ beginMs: fc.nat(1000), lengthMs: fc.nat(1000) }));
    fc.assert(
      fc.property(spans, fc.integer({ min: 1000, max: 2000 }), (runs, nowMs) => {
        const time = new RunTime();
        const expected = runs.reduce((sum, { beginMs, lengthMs }) => {
          time.begin(beginMs);
          if (beginMs + lengthMs > nowMs) return sum + nowMs - beginMs;
          time.end(beginMs + lengthMs);
          return sum + lengthMs;
        }, 0);
        expect(time.totalMs(nowMs)).toBe(expected);
      }),
    );
  });
});

/** Watches a queue for some seconds, looking each half second. */
function watch(meter: DemandMeter, seconds: number, perSecond: { arrived?: number; ended?: number; runMs?: number }) {
  const totals = { arrived: 0, ended: 0, runMs: 0 };
  return (fromMs: number, before = totals): { nowMs: number; totals: typeof totals } => {
    let now = { ...before };
    let nowMs = fromMs;
    for (let step = 0; step < seconds * 2; step++) {
      nowMs += 500;
      now = {
        arrived: now.arrived + (perSecond.arrived ?? 0) / 2,
        ended: now.ended + (perSecond.ended ?? 0) / 2,
        runMs: now.runMs + (perSecond.runMs ?? 0) / 2,
      };
      meter.observe(nowMs, now);
    }
    return { nowMs, totals: now };
  };
}

describe("a demand meter", () => {
  test("knows nothing of a queue that never ran", () => {
    const meter = new DemandMeter();
    meter.observe(5000, { arrived: 0, ended: 0, runMs: 0 });
    expect([meter.arrivalsPerMs(5000), meter.endsPerMs(5000), meter.runMs]).toEqual([0, 0, undefined]);
  });

  test("reads steady rates as they are, and forgets them", () => {
    const meter = new DemandMeter();
    const { nowMs, totals } = watch(meter, 120, { arrived: 40, ended: 20, runMs: 10_000 })(0);
    expect(meter.arrivalsPerMs(nowMs) * 1000).toBeCloseTo(40, -0.5);
    expect(meter.endsPerMs(nowMs) * 1000).toBeCloseTo(20, -0.5);
    expect(meter.runMs).toBeCloseTo(500, 3);
    const idle = watch(meter, 300, {})(nowMs, totals);
    expect(meter.arrivalsPerMs(idle.nowMs)).toBeLessThan(1e-9);
  });

  test("keeps the run time of an idle queue (M1)", () => {
    const meter = new DemandMeter();
    const { nowMs, totals } = watch(meter, 60, { ended: 20, runMs: 10_000 })(0);
    const idle = watch(meter, 3600, {})(nowMs, totals);
    expect(meter.runMs).toBeCloseTo(500, 3);
    // Tasks of another kind are known after some half-lives of work.
    const changed = watch(meter, (5 * RUN_TIME_HALF_LIFE_MS) / 1000, { ended: 5, runMs: 10_000 });
    changed(idle.nowMs, idle.totals);
    expect(meter.runMs).toBeGreaterThan(1600);
    expect(meter.runMs).toBeLessThan(2000);
  });

  test("takes what runs without an end for longer and longer (M2)", () => {
    const meter = new DemandMeter();
    const first = watch(meter, 2, { runMs: 10_000 })(0);
    const early = meter.runMs ?? 0;
    expect(early).toBeGreaterThan(15_000);
    watch(meter, 10, { runMs: 10_000 })(first.nowMs, first.totals);
    expect(meter.runMs).toBeGreaterThan(4 * early);
  });

  test("never answers with less than nothing, whatever the order of looks", () => {
    const looks = fc.array(
      fc.record({ afterMs: fc.nat(5000), arrived: fc.nat(50), ended: fc.nat(50), runMs: fc.nat(9000) }),
    );
    fc.assert(
      fc.property(looks, (sequence) => {
        const meter = new DemandMeter();
        const totals = { arrived: 0, ended: 0, runMs: 0 };
        let nowMs = 0;
        for (const look of sequence) {
          nowMs += look.afterMs;
          totals.arrived += look.arrived;
          totals.ended += look.ended;
          totals.runMs += look.runMs;
          meter.observe(nowMs, { ...totals });
          expect(meter.arrivalsPerMs(nowMs)).toBeGreaterThanOrEqual(0);
          expect(meter.endsPerMs(nowMs)).toBeGreaterThanOrEqual(0);
          if (meter.runMs !== undefined) expect(meter.runMs).toBeGreaterThan(0);
        }
        expect(meter.runMs ?? 0).toBeLessThanOrEqual(totals.runMs);
      }),
    );
  });
});
