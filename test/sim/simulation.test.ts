import { expect, test } from "vitest";
import { simulate } from "./simulation.ts";

/** Seeds of a run, by default few enough for every day. `SIM_SEED=7` replays one, `SIM_SEEDS=100000` runs more. */
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 200);
const ONLY = process.env["SIM_SEED"];
const STEPS = 150;
const TIMEOUT_MS = 3_600_000;

test(
  "whatever analyzers, clocks, commits and crashes do, the promises hold",
  async () => {
    const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONLY)];
    const done = new Map<string, number>();
    let accepted = 0;
    for (const seed of seeds) {
      const report = await simulate(seed, STEPS);
      accepted += report.accepted;
      for (const [name, count] of Object.entries(report.actions)) done.set(name, (done.get(name) ?? 0) + count);
    }
    expect(accepted).toBeGreaterThan(seeds.length);
    if (ONLY === undefined) expect([...done.keys()]).toContain("crash");
  },
  TIMEOUT_MS,
);

test("the same seed gives the same run", async () => {
  expect(await simulate(42, STEPS)).toEqual(await simulate(42, STEPS));
});
