/**
 * A simulation short enough to be repeated for every mutant. Not one of the tests of every day: those simulate far more.
 */
import { expect, test } from "vitest";
import { runBatch } from "../sim/batch.ts";
import { DEFAULT_STEPS } from "../sim/simulation.ts";

test("in a short simulation the promises hold", async () => {
  const { failed } = await runBatch({ from: 1, count: 25, steps: DEFAULT_STEPS });
  expect(failed).toEqual([]);
});
