import fc from "fast-check";
import { expect, test } from "vitest";
import { Allowance } from "./allowance.ts";

test("in any while, no more is taken than the burst and what came back", () => {
  const steps = fc.array(fc.nat(500), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100 }), steps, (burst, perSecond, gaps) => {
      const allowance = new Allowance({ burst, perSecond }, 0);
      let nowMs = 0;
      let taken = 0;
      for (const gap of gaps) {
        nowMs += gap;
        if (allowance.take(nowMs)) taken += 1;
        expect(taken).toBeLessThanOrEqual(burst + (nowMs * perSecond) / 1000 + 1e-9);
      }
    }),
  );
});

test("after a burst it goes on at its rate", () => {
  const allowance = new Allowance({ burst: 3, perSecond: 10 }, 0);
  expect([0, 0, 0, 0].map((nowMs) => allowance.take(nowMs))).toEqual([true, true, true, false]);
  expect(allowance.take(99)).toBe(false);
  expect(allowance.take(200)).toBe(true);
});

test("a long quiet gives no more than a burst", () => {
  const allowance = new Allowance({ burst: 2, perSecond: 10 }, 0);
  expect([0, 0, 60_000, 60_000, 60_000].map((nowMs) => allowance.take(nowMs))).toEqual([true, true, true, true, false]);
});
