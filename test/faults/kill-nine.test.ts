/**
 * The built program under kill -9. `npm run faults -- --rounds 200` does it 200 times.
 */
import { expect, test } from "vitest";
import { runRounds } from "./rounds.ts";

const ROUNDS = 4;
const TIMEOUT_MS = 120_000;

test(
  "a node killed at random moments loses no task, records none twice and leaves none stuck",
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await runRounds({ rounds: ROUNDS, seed, perSecond: 200, say: () => {} });
    expect(report.violations, `seed ${seed}`).toEqual([]);
    expect(report.tally.accepted).toBeGreaterThan(100);
    expect(report.openAtKills).toBeGreaterThan(0);
    expect(report.tally.faults["node killed"]).toBeGreaterThanOrEqual(ROUNDS);
  },
  TIMEOUT_MS,
);
