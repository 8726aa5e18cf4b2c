/** The open loop's schedule, and the stamp that carries its times. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Schedule } from "./schedule.ts";
import { readStamp, stampPayload } from "./stamp.ts";

test("tasks are equally far apart", () => {
  const schedule = new Schedule(1000, 200);
  expect([0, 1, 2].map((index) => schedule.intendedMs(index))).toEqual([1000, 1005, 1010]);
});

test("H2: exactly the tasks whose time has come are due", () => {
  const rates = fc.double({ min: 0.1, max: 1_000_000, noNaN: true });
  const times = fc.double({ min: 0, max: 60_000, noNaN: true });
  fc.assert(
    fc.property(times, rates, times, (startMs, rate, laterMs) => {
      const schedule = new Schedule(startMs, rate);
      const nowMs = startMs + laterMs;
      const due = schedule.due(nowMs);
      expect(schedule.intendedMs(due - 1)).toBeLessThanOrEqual(nowMs);
      expect(schedule.intendedMs(due)).toBeGreaterThan(nowMs);
    }),
  );
});

test("nothing is due before the start", () => {
  expect(new Schedule(1000, 1000).due(999)).toBe(0);
});

test("a stamp survives its way through a larger buffer", () => {
  const payload = stampPayload(20, "measured", 1234.5);
  const frame = new Uint8Array(64);
  frame.set(payload, 7);
  expect(readStamp(frame.subarray(7, 27))).toEqual({ phase: "measured", intendedMs: 1234.5 });
  expect(readStamp(stampPayload(16, "warmup", 0))).toEqual({ phase: "warmup", intendedMs: 0 });
});
