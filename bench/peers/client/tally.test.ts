/** What is carried in payloads, and what is counted of it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { MIN_PAYLOAD_BYTES, PayloadMaker, readPayload } from "./payload.ts";
import { Tally } from "./tally.ts";

const maker = new PayloadMaker(64);

test("a payload says the same as bytes and as text, to the microsecond", () => {
  const stamps = fc.record({
    dueMs: fc.integer({ min: 0, max: 1e15 }).map((micros) => micros / 1000),
    phase: fc.integer({ min: 0, max: 99 }),
    sequence: fc.integer({ min: 0, max: 9_999_999_999 }),
  });
  fc.assert(
    fc.property(stamps, (stamp) => {
      const payload = maker.make(stamp);
      expect(readPayload(payload)).toEqual(stamp);
      expect(readPayload(payload.toString("latin1"))).toEqual(stamp);
    }),
  );
});

test("a payload is of the size asked for, all ASCII", () => {
  const payload = new PayloadMaker(256).make({ dueMs: 1, phase: 1, sequence: 1 });
  expect(payload).toHaveLength(256);
  expect(payload.every((byte) => byte >= 0x20 && byte < 0x7f)).toBe(true);
  expect(() => new PayloadMaker(MIN_PAYLOAD_BYTES - 1)).toThrow(/at least/);
});

test("Y1: a task counts once, its repetitions apart", () => {
  const tally = new Tally(1, true);
  for (const sequence of [0, 70_000, 0, 1, 0]) tally.record(maker.make({ dueMs: 1, phase: 1, sequence }), 5);
  expect([tally.handled, tally.repeated]).toEqual([3, 2]);
  expect(tally.latencies()).toEqual({ count: 3, p50: 4, p99: 4, max: 4 });
});

test("Y2: tasks of other phases count for nothing", () => {
  const tally = new Tally(1, true);
  tally.record(maker.make({ dueMs: 1, phase: 2, sequence: 0 }), 5);
  expect([tally.handled, tally.repeated, tally.latencies().count]).toEqual([0, 0, 0]);
});

test("the first and the last are timed", () => {
  const tally = new Tally(1, false);
  for (const [sequence, nowMs] of [
    [0, 10],
    [1, 20],
    [2, 30],
  ] as const) {
    tally.record(maker.make({ dueMs: 0, phase: 1, sequence }), nowMs);
  }
  expect([tally.firstMs, tally.lastMs]).toEqual([10, 30]);
});
