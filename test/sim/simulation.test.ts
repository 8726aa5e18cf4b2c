/** Half of the seeds of every day; the other half is in `simulation-more.test.ts`, so that two cores share them. */
import { expect, test } from "vitest";
import { describeFailure, runBatch } from "./batch.ts";
import { DEFAULT_STEPS, simulate } from "./simulation.ts";

const SEEDS = { from: 1, count: 1000, steps: DEFAULT_STEPS };
/** A hundred times what it takes on an idle machine is a hang. */
const TIMEOUT_MS = 300_000;

test(
  "whatever analyzers, clocks, commits and crashes do, the promises hold",
  async () => {
    const report = await runBatch(SEEDS);
    const [failed] = report.failed;
    expect(failed === undefined ? "" : await describeFailure(failed)).toBe("");
    expect(report.accepted).toBeGreaterThan(10 * SEEDS.count);
  },
  TIMEOUT_MS,
);

test.each([3481, 11_670])("seed %i, which found a bug, keeps all promises now", async (seed) => {
  const { failed } = await runBatch({ from: seed, count: 1, steps: DEFAULT_STEPS });
  expect(failed).toEqual([]);
});

test("the same seed gives the same run", async () => {
  expect(await simulate(42)).toEqual(await simulate(42));
});
