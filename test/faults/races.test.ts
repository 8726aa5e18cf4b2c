/**
 * A result that races the end of its lease: one ending, and the loser is told that it came too late.
 */
import { expect, test } from "vitest";
import { type RacesReport, raceSessions, raceSilence, raceTimeouts } from "./races.ts";

const TIMEOUT_MS = 120_000;

async function judge(
  races: (count: number, seed: number) => Promise<RacesReport>,
  count: number,
): Promise<RacesReport> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const report = await races(count, seed);
  expect(report.violations, `seed ${seed}`).toEqual([]);
  expect(report.unanswered, `seed ${seed}`).toBe(0);
  expect(report.won + report.lost).toBe(count);
  return report;
}

test(
  "a result that races the timeout of its attempt is accepted or stale, and the task ends once",
  async () => {
    const { won, lost, tally } = await judge(raceTimeouts, 300);
    expect(tally.endings["COMPLETED"] ?? 0).toBe(won);
    expect(tally.endings["FAILED"] ?? 0).toBe(lost);
    expect(Math.min(won, lost)).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "a result of an analyzer that is just being given up is accepted or stale, and the task ends once",
  async () => {
    const { lost } = await judge(raceSilence, 50);
    expect(lost).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "a result that is sent on two sessions of one analyzer counts once",
  async () => {
    await judge(raceSessions, 50);
  },
  TIMEOUT_MS,
);
