/** The other half of the seeds of every day, and what all of them together must have tried. */
import { expect, test } from "vitest";
import { describeFailure, runBatch } from "./batch.ts";
import { isFault, USUAL_ODDS } from "./scenario.ts";
import { DEFAULT_STEPS } from "./simulation.ts";
import { RULES } from "./violation.ts";

const SEEDS = { from: 1001, count: 1000, steps: DEFAULT_STEPS };
const TIMEOUT_MS = 300_000;

test(
  "whatever analyzers, clocks, commits and crashes do, the promises hold (second half)",
  async () => {
    const report = await runBatch(SEEDS);
    const [failed] = report.failed;
    expect(failed === undefined ? "" : await describeFailure(failed)).toBe("");
    // A simulation that never tries a fault, or never looks at a promise, proves nothing of it.
    const faults = Object.keys(USUAL_ODDS).filter(isFault);
    expect(faults.filter((name) => (report.actions[name] ?? 0) < 100)).toEqual([]);
    expect(Object.keys(RULES).filter((rule) => (report.checks[rule] ?? 0) < 100)).toEqual([]);
    const outcomes = [
      "analyzer.lost",
      "analyzer.detached",
      "analyzer.refused",
      "analyzer.replaced",
      "deaths",
      "clean stops",
    ];
    expect(outcomes.filter((name) => (report.events[name] ?? 0) < 100)).toEqual([]);
  },
  TIMEOUT_MS,
);
