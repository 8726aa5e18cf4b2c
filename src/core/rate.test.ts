import fc from "fast-check";
import { expect, test } from "vitest";
import { DecayingCount } from "./rate.ts";

test("nothing counted is 0", () => {
  expect(new DecayingCount(30_000).value(0)).toBe(0);
  expect(new DecayingCount(30_000).value(1e12)).toBe(0);
});

test("half is gone after each half-life", () => {
  const count = new DecayingCount(30_000);
  count.add(1000, 8);
  expect(count.value(1000)).toBe(8);
  expect(count.value(31_000)).toBe(4);
  expect(count.value(91_000)).toBe(1);
});

test("one is counted unless more are named, on top of what is left", () => {
  const count = new DecayingCount(10);
  count.add(0);
  count.add(0);
  expect(count.value(0)).toBe(2);
  count.add(10);
  expect(count.value(10)).toBe(2);
  count.add(20, 3);
  expect(count.value(20)).toBe(4);
  expect(count.value(30)).toBe(2);
});

test("time that goes back changes nothing", () => {
  const count = new DecayingCount(10);
  count.add(100, 4);
  expect(count.value(50)).toBe(4);
  count.add(50, 4);
  expect(count.value(100)).toBe(8);
  expect(count.value(110)).toBe(4);
});

test("it is the sum of all that was added, each halved by its own age", () => {
  const additions = fc.array(fc.record({ afterMs: fc.nat(1000), n: fc.integer({ min: 1, max: 100 }) }));
  fc.assert(
    fc.property(additions, (sequence) => {
      const count = new DecayingCount(250);
      const added: { atMs: number; n: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, n } of sequence) {
        nowMs += afterMs;
        added.push({ atMs: nowMs, n });
        count.add(nowMs, n);
      }
      const expected = added.reduce((sum, { atMs, n }) => sum + n * 2 ** (-(nowMs - atMs) / 250), 0);
      expect(count.value(nowMs)).toBeCloseTo(expected, 6);
    }),
  );
});
