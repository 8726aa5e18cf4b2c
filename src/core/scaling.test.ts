import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { analyzerRate, analyzersWanted, type Demand } from "./scaling.ts";

const TARGET_MS = 30_000;
const IDLE = {
  waiting: 0,
  running: 0,
  arrivalsPerMs: 0,
  runMs: 100,
  places: 10,
  analyzers: 1,
  paused: false,
} satisfies Demand;

const amounts = fc.double({ min: 0, max: 1e6, noNaN: true });
const counts = fc.nat(1_000_000);
const targets = fc.integer({ min: 100, max: 86_400_000 });
const known = fc.record({
  waiting: counts,
  running: counts,
  arrivalsPerMs: fc.double({ min: 0, max: 100, noNaN: true }),
  runMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  places: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  analyzers: fc.nat(10_000),
  paused: fc.constant(false),
});
const demands: fc.Arbitrary<Demand> = fc.record({
  waiting: counts,
  running: counts,
  arrivalsPerMs: fc.double({ min: 0, max: 100, noNaN: true }),
  runMs: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
  places: fc.option(fc.double({ min: 0.01, max: 10_000, noNaN: true }), { nil: undefined }),
  analyzers: fc.nat(10_000),
  paused: fc.boolean(),
});

describe("the analyzers wanted", () => {
  test.each<[string, Partial<Demand>, number]>([
    ["Little's law: 50 a second that take 1 s keep 50 places busy", { arrivalsPerMs: 0.05, runMs: 1000 }, 5],
    ["a backlog of 3000 in 30 s asks for 100 a second, which 1 analyzer does", { waiting: 3000 }, 1],
    ["one task more asks for a second analyzer", { waiting: 3001 }, 2],
    ["backlog and arrivals add up", { waiting: 3000, arrivalsPerMs: 0.2 }, 3],
    ["tasks longer than the target get a place each", { waiting: 25, runMs: 600_000 }, 3],
    ["what runs keeps its places", { running: 31 }, 4],
    ["long tasks that run free no place for those that wait", { running: 20, waiting: 20, runMs: 600_000 }, 4],
    ["short tasks that run make room for those that wait", { running: 20, waiting: 20 }, 2],
    ["an analyzer that takes one at a time does a tenth of it", { waiting: 3000, places: 1 }, 10],
    ["fewer arrivals than one a minute keep nobody", { arrivalsPerMs: 1 / 60_001 }, 0],
    ["nothing to do", {}, 0],
    ["a paused queue needs only those at work", { waiting: 1e6, running: 11, paused: true }, 2],
    ["a paused queue with a backlog keeps one", { waiting: 1e6, paused: true }, 1],
    ["nothing has run yet: those that are there are kept", { waiting: 1e6, analyzers: 4, runMs: undefined }, 4],
    ["nothing has run yet and nobody is there: one begins", { waiting: 1e6, analyzers: 0, runMs: undefined }, 1],
    ["nobody ever served the queue: one begins", { waiting: 1e6, runMs: undefined, places: undefined }, 1],
  ])("%s", (_why, change, wanted) => {
    expect(analyzersWanted({ ...IDLE, ...change }, TARGET_MS)).toBe(wanted);
  });

  test("are a whole number, and never zero while something runs or waits (C1)", () => {
    fc.assert(
      fc.property(demands, targets, (demand, targetMs) => {
        const wanted = analyzersWanted(demand, targetMs);
        expect(Number.isSafeInteger(wanted)).toBe(true);
        expect(wanted).toBeGreaterThanOrEqual(demand.waiting + demand.running > 0 ? 1 : 0);
        expect(analyzersWanted({ ...demand, waiting: 0, running: 0, arrivalsPerMs: 0 }, targetMs)).toBe(0);
      }),
    );
  });

  test("rise with the demand and fall with target and places (C2)", () => {
    const rises = fc.constantFrom("waiting", "running", "arrivalsPerMs", "runMs");
    fc.assert(
      fc.property(known, targets, rises, amounts, (demand, targetMs, fact, more) => {
        const wanted = analyzersWanted(demand, targetMs);
        expect(analyzersWanted({ ...demand, [fact]: demand[fact] + more }, targetMs)).toBeGreaterThanOrEqual(wanted);
        expect(analyzersWanted(demand, targetMs + more)).toBeLessThanOrEqual(wanted);
        expect(analyzersWanted({ ...demand, places: demand.places + more }, targetMs)).toBeLessThanOrEqual(wanted);
      }),
    );
  });

  test("hold what runs (C3), and are no more than tasks can use (C4)", () => {
    fc.assert(
      fc.property(known, targets, (demand, targetMs) => {
        const { waiting, running, arrivalsPerMs, runMs, places } = demand;
        const wanted = analyzersWanted(demand, targetMs);
        expect(wanted).toBeGreaterThanOrEqual(Math.ceil(running / places));
        expect(wanted).toBeLessThanOrEqual(Math.ceil((Math.max(running, arrivalsPerMs * runMs) + waiting) / places));
      }),
    );
  });

  test("meet the target: with them the backlog is worked off in time, with one fewer it is not", () => {
    const short = fc.record({
      waiting: fc.nat(100_000),
      perSecond: fc.nat(1000),
      runMs: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(short, ({ waiting, perSecond, runMs }) => {
        fc.pre(waiting > 0);
        const demand = { ...IDLE, waiting, arrivalsPerMs: perSecond / 1000, runMs };
        const wanted = analyzersWanted(demand, TARGET_MS);
        const doneInTime = (analyzers: number) => ((analyzers * demand.places) / runMs) * TARGET_MS;
        const arrived = waiting + demand.arrivalsPerMs * TARGET_MS;
        expect(doneInTime(wanted)).toBeGreaterThanOrEqual(arrived * (1 - 1e-9));
        if (wanted > 1) expect(doneInTime(wanted - 1)).toBeLessThan(arrived * (1 + 1e-9));
      }),
    );
  });
});

test("an analyzer does as many at a time as it has places", () => {
  expect(analyzerRate({ runMs: 100, places: 10 })).toBe(0.1);
  expect(analyzerRate({ runMs: undefined, places: 10 })).toBeUndefined();
  expect(analyzerRate({ runMs: 100, places: undefined })).toBeUndefined();
  expect(analyzerRate({ runMs: 0, places: 1 })).toBeUndefined();
});
