import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "./histogram.ts";

describe("a histogram", () => {
  it("H1: counts a value on a bound in the bucket of that bound, and beyond the last bound in one of its own", () => {
    const histogram = new Histogram([1, 10]);
    for (const value of [0, 1, 1.5, 10, 10.5, 1e9]) histogram.observe(value);
    expect([...histogram.counts]).toEqual([2, 2, 2]);
    expect(histogram.sum).toBe(1e9 + 23);
  });

  it("takes a value below 0, as when a clock was set back, for 0", () => {
    const histogram = new Histogram([1]);
    histogram.observe(-5);
    expect([...histogram.counts, histogram.sum]).toEqual([1, 0, 0]);
  });

  it("H1, H2: counts every value once, in the bucket that it belongs to", () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }));
    const bounds = fc.uniqueArray(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, bounds, (observed, unordered) => {
        const rising = [...unordered].sort((a, b) => a - b);
        const histogram = new Histogram(rising);
        for (const value of observed) histogram.observe(value);
        for (const [index, bound] of rising.entries()) {
          const upTo = [...histogram.counts].slice(0, index + 1).reduce((sum, count) => sum + count, 0);
          expect(upTo).toBe(observed.filter((value) => value <= bound).length);
        }
        expect([...histogram.counts].reduce((sum, count) => sum + count, 0)).toBe(observed.length);
      }),
    );
  });
});
