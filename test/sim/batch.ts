/**
 * Many seeds in a row, and their reports in one.
 */
import { DEFAULT_STEPS, simulate, trace } from "./simulation.ts";
import { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

/** Which seeds to run. */
export interface BatchInput {
  readonly from: number;
  readonly count: number;
  readonly steps: number;
}

/** A seed that broke a promise. */
export interface FailedSeed {
  readonly seed: number;
  readonly steps: number;
  readonly message: string;
}

/** What happened in all of them. */
export interface BatchReport {
  readonly seeds: number;
  readonly steps: number;
  readonly accepted: number;
  readonly deliveries: number;
  readonly actions: Readonly<Record<string, number>>;
  readonly checks: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  readonly failed: readonly FailedSeed[];
}

/** Lines of the trace that a failure shows. */
export const DEFAULT_TRACE_LINES = 60;

/** Runs seeds one after the other; a broken promise ends its seed only. */
export async function runBatch({ from, count, steps }: BatchInput): Promise<BatchReport> {
  const tallies = { actions: new Tally(), checks: new Tally(), events: new Tally() };
  const failed: FailedSeed[] = [];
  let accepted = 0;
  let deliveries = 0;
  let done = 0;
  for (let seed = from; seed < from + count; seed++) {
    try {
      const report = await simulate(seed, steps);
      accepted += report.accepted;
      deliveries += report.deliveries;
      done += report.steps;
      tallies.actions.merge(report.actions);
      tallies.checks.merge(report.checks);
      tallies.events.merge(report.events);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      failed.push({ seed, steps, message: error.message });
    }
  }
  const { actions, checks, events } = tallies;
  return {
    seeds: count,
    steps: done,
    accepted,
    deliveries,
    actions: actions.counts,
    checks: checks.counts,
    events: events.counts,
    failed,
  };
}

/** Several reports in one. */
export function mergeReports(reports: readonly BatchReport[]): BatchReport {
  const sum = (count: (report: BatchReport) => number) => reports.reduce((total, report) => total + count(report), 0);
  const merged = (counts: (report: BatchReport) => Readonly<Record<string, number>>) => {
    const tally = new Tally();
    for (const report of reports) tally.merge(counts(report));
    return tally.counts;
  };
  return {
    seeds: sum(({ seeds }) => seeds),
    steps: sum(({ steps }) => steps),
    accepted: sum(({ accepted }) => accepted),
    deliveries: sum(({ deliveries }) => deliveries),
    actions: merged(({ actions }) => actions),
    checks: merged(({ checks }) => checks),
    events: merged(({ events }) => events),
    failed: reports.flatMap(({ failed }) => failed).sort((a, b) => a.seed - b.seed),
  };
}

/** Runs a failed seed once more and tells what happened before the promise was broken, and how to see it again. */
export async function describeFailure({ seed, steps }: FailedSeed, lines = DEFAULT_TRACE_LINES): Promise<string> {
  const { lines: all, violation } = await trace(seed, steps);
  const again = `npm run sim -- --seed ${seed}${steps === DEFAULT_STEPS ? "" : ` --steps ${steps}`}`;
  return [
    `seed ${seed} broke a promise`,
    ...all.slice(-lines),
    violation?.message ?? "the promise was kept this time: the simulation is not deterministic",
    `replay: ${again}`,
  ].join("\n");
}
