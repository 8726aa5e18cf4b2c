/** Counting and timing. */
import { expect, test } from "vitest";
import { Measure } from "./measure.ts";
import { compareShares, worstDeviation } from "./shares.ts";
import { stampPayload } from "./stamp.ts";

test("latency counts from the intended time, in milliseconds", () => {
  const measure = new Measure(1);
  for (let index = 1; index <= 100; index++) measure.recordAccepted(1000, 1000 + index);
  const latency = measure.submitLatency();
  expect(latency.count).toBe(100);
  expect(latency.p50).toBeCloseTo(50, 0);
  expect(latency.p99).toBeCloseTo(99, 0);
  expect(latency.max).toBeCloseTo(100, 0);
});

test("M1: tasks of the warm-up are not counted", () => {
  const measure = new Measure(2);
  measure.recordHandled(0, stampPayload(16, "warmup", 0), 5);
  measure.recordHandled(1, stampPayload(16, "measured", 0), 7);
  expect(measure.handled).toEqual([0, 1]);
  expect(measure.handledInAll).toBe(1);
  expect(measure.lastHandledMs).toBe(7);
  expect(measure.handlerLatency()).toMatchObject({ count: 1, max: 7 });
});

test("a run in which nothing happened has figures of 0", () => {
  expect(new Measure(1).submitLatency()).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
});

test("shares are compared with weights", () => {
  const rows = compareShares([4, 3, 2, 1], [400, 301, 199, 100]);
  expect(rows.map((row) => row.expected)).toEqual([0.4, 0.3, 0.2, 0.1]);
  expect(rows.map((row) => row.actual)).toEqual([0.4, 0.301, 0.199, 0.1]);
  expect(rows[1]?.aheadTasks).toBeCloseTo(1);
  expect(worstDeviation(rows)).toBeCloseTo(1);
});

test("without tasks every share is 0", () => {
  expect(compareShares([1, 1], [0, 0]).map((row) => row.actual)).toEqual([0, 0]);
});
