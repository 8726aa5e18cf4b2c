import { expect, test } from "vitest";
import { stepOf } from "./weight.ts";

test("a step is one over the weight", () => {
  expect(stepOf(0.4)).toBe(2.5);
  expect(stepOf(1_000_000)).toBe(1e-6);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE])(
  "%d is no weight",
  (weight) => {
    expect(() => stepOf(weight)).toThrow(new Error(`a weight must be a finite number greater than 0, got ${weight}`));
  },
);
