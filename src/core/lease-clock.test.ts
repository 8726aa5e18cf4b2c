import fc from "fast-check";
import { expect, test } from "vitest";
import { LeaseClock } from "./lease-clock.ts";

test("it starts at 0 whatever the monotonic clock says", () => {
  const clock = new LeaseClock(1000);
  expect(clock.nowMs).toBe(0);
  expect(clock.advance(123_456)).toBe(0);
  expect(clock.nowMs).toBe(0);
});

test("time passes as long as it is advanced often", () => {
  const clock = new LeaseClock(1000);
  clock.advance(50);
  expect(clock.advance(250)).toBe(200);
  expect(clock.advance(1250)).toBe(1200);
  expect(clock.nowMs).toBe(1200);
});

test("a pause of the node counts for one step", () => {
  const clock = new LeaseClock(1000);
  clock.advance(0);
  expect(clock.advance(3_600_000)).toBe(1000);
  expect(clock.advance(3_600_500)).toBe(1500);
});

test("a monotonic clock that goes back moves nothing", () => {
  const clock = new LeaseClock(1000);
  clock.advance(500);
  expect(clock.advance(400)).toBe(0);
  expect(clock.advance(450)).toBe(50);
});

test("it never goes back, never runs ahead of the monotonic clock, and no gap counts for more than a step", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 })), (gapsMs) => {
      const clock = new LeaseClock(1000);
      clock.advance(7);
      let monotonicMs = 7;
      let expectedMs = 0;
      for (const gapMs of gapsMs) {
        monotonicMs += gapMs;
        expectedMs += Math.min(gapMs, 1000);
        expect(clock.advance(monotonicMs)).toBe(expectedMs);
      }
    }),
  );
});
