/** The soak's verdict can fail. */
import { describe, expect, it } from "vitest";
import { compare, Disturbances, quantileValue } from "./figures.ts";

const flat = [100, 101, 99, 100, 102, 100];

describe("a figure", () => {
  it("is flat when its last third is like its first, or lower", () => {
    expect(compare("emitter, MiB", flat, flat).isFlat).toBe(true);
    expect(compare("emitter, MiB", flat, [60, 61, 62, 60, 60]).isFlat).toBe(true);
  });

  it("is not flat when it grows by more than a quarter and more than noise", () => {
    expect(compare("emitter, MiB", flat, [130, 131, 129, 130, 130])).toMatchObject({
      first: 100,
      last: 130,
      isFlat: false,
    });
    expect(compare("submit to OK p50, ms", [2, 2, 2, 2, 2], [10, 10, 10, 10, 10]).isFlat).toBe(true);
    expect(compare("submit to OK p50, ms", [2, 2, 2, 2, 2], [30, 30, 30, 30, 30]).isFlat).toBe(false);
  });

  it("is judged by the percentile that it names", () => {
    const slowTail = [...Array.from({ length: 98 }, () => 1), 500, 500];
    expect(compare("submit to OK p99, ms", slowTail, slowTail)).toMatchObject({ first: 500, last: 500 });
    expect(compare("submit to OK p50, ms", slowTail, slowTail)).toMatchObject({ first: 1, last: 1 });
  });

  it("is not flat for want of samples", () => {
    expect(compare("emitter, MiB", [], []).isFlat).toBe(false);
    expect(compare("emitter, MiB", flat, [100]).isFlat).toBe(false);
    expect(quantileValue([], 0.5)).toBeUndefined();
  });
});

describe("a disturbance", () => {
  it("touches what overlaps it, and nothing else", () => {
    const disturbances = new Disturbances();
    disturbances.add(100, 200);
    disturbances.add(500, 600);
    expect(disturbances.touches(0, 99)).toBe(false);
    expect(disturbances.touches(0, 100)).toBe(true);
    expect(disturbances.touches(150, 160)).toBe(true);
    expect(disturbances.touches(201, 499)).toBe(false);
    expect(disturbances.touches(201, 700)).toBe(true);
  });
});
