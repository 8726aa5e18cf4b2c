import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countsSince, largestError, shareRows } from "./shares.ts";

const WEIGHTS = [0.4, 0.3, 0.2, 0.1];

function counts(completed: readonly number[]) {
  return completed.map((count, index) => ({
    analyzerId: `a${index + 1}`,
    weight: WEIGHTS[index] ?? 0,
    completed: count,
  }));
}

describe("shares", () => {
  it("are exact when work followed the weights", () => {
    const rows = shareRows(counts([400, 300, 200, 100]));
    expect(rows.map((row) => row.actual)).toEqual([0.4, 0.3, 0.2, 0.1]);
    expect(largestError(rows)).toBeCloseTo(0, 10);
  });

  it("are off by the largest distance from a promise", () => {
    expect(largestError(shareRows(counts([250, 250, 250, 250])))).toBeCloseTo(0.15, 10);
  });

  it("are nothing, and wholly off, when nothing was done", () => {
    const rows = shareRows(counts([0, 0, 0, 0]));
    expect(rows.every((row) => row.actual === 0)).toBe(true);
    expect(largestError(rows)).toBeCloseTo(0.4, 10);
  });

  it("among survivors count what was done since, and only the survivors' weights", () => {
    const before = counts([200, 150, 100, 50]);
    const survivors = counts([200, 400, 267, 133]).slice(1);
    const rows = shareRows(countsSince(before, survivors));
    expect(rows.map((row) => row.completed)).toEqual([250, 167, 83]);
    expect(rows[0]?.expected).toBeCloseTo(0.5, 10);
    expect(largestError(rows)).toBeLessThan(0.002);
  });

  it("sum to one, as promised and as they were", () => {
    const entry = fc.record({ weight: fc.double({ min: 0.01, max: 1000, noNaN: true }), completed: fc.nat(10_000) });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        const rows = shareRows(entries.map((each, index) => ({ ...each, analyzerId: `a${index}` })));
        const expected = rows.reduce((sum, row) => sum + row.expected, 0);
        const actual = rows.reduce((sum, row) => sum + row.actual, 0);
        expect(expected).toBeCloseTo(1, 9);
        expect(actual).toBeCloseTo(entries.every((each) => each.completed === 0) ? 0 : 1, 9);
      }),
    );
  });
});
