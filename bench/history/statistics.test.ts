/** Statistics of few samples. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, quantile, rankSumP, relativeSpread, smallestP, summary } from "./statistics.ts";

const samples = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 });

test("the median does not depend on the order, nor on how far the outermost samples are out", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([1, 2, 3, 1000])).toBe(2.5);
  expect(summary([5, -1, 2])).toEqual({ median: 2, min: -1, max: 5 });
  expect(summary([])).toEqual({ median: 0, min: 0, max: 0 });
});

test("a quantile lies between the samples beside it", () => {
  expect(quantile([10, 20, 30], 0)).toBe(10);
  expect(quantile([10, 20, 30], 0.75)).toBe(25);
  expect(quantile([10, 20, 30], 1)).toBe(30);
});

test("the spread is half the range over the median", () => {
  expect(relativeSpread([90, 100, 110])).toBeCloseTo(0.1);
  expect(relativeSpread([7])).toBe(0);
});

describe("rank-sum test", () => {
  test.each([
    [[1, 2, 3], [4, 5, 6], 2 / 20],
    [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 2 / 252],
    [[1, 3], [2, 4], 4 / 6],
    [[1, 1], [1, 1], 1],
    [[], [1], 1],
  ])("%j against %j", (a, b, p) => {
    expect(rankSumP(a, b)).toBeCloseTo(p, 12);
  });

  test("S2: it is the part of all divisions of the samples that are at least as uneven", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        expect(rankSumP(a, b)).toBeCloseTo(byTrial(a, b), 9);
      }),
    );
  });

  test("it treats both sides alike", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        expect(rankSumP(a, b)).toBeCloseTo(rankSumP(b, a), 12);
      }),
    );
  });

  test("without ties nothing gives less than sets that are wholly apart", () => {
    const distinct = fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(distinct, fc.nat(), (values, at) => {
        const size = 1 + (at % (values.length - 1));
        const [a, b] = [values.slice(0, size), values.slice(size)];
        const least = smallestP(a.length, b.length);
        expect(least).toBeLessThanOrEqual(rankSumP(a, b) + 1e-12);
        const apart = a.map((value) => value + 100);
        expect(rankSumP(apart, b)).toBeCloseTo(least, 12);
      }),
    );
  });
});

/** The definition, by trying out every division. */
function byTrial(a: readonly number[], b: readonly number[]): number {
  const pooled = [...a, ...b].sort((x, y) => x - y);
  const rank = (value: number): number => (pooled.indexOf(value) + pooled.lastIndexOf(value)) / 2 + 1;
  const unevenness = (side: readonly number[]): number =>
    Math.abs(side.reduce((sum, value) => sum + rank(value), 0) - (a.length * (pooled.length + 1)) / 2);
  const divisions = subsets(pooled, a.length).map(unevenness);
  return divisions.filter((value) => value >= unevenness(a) - 1e-9).length / divisions.length;
}

function subsets(values: readonly number[], count: number): number[][] {
  const [first, ...rest] = values;
  if (count === 0) return [[]];
  if (first === undefined) return [];
  return [...subsets(rest, count - 1).map((subset) => [first, ...subset]), ...subsets(rest, count)];
}
