/**
 * The simulation by hand: `npm run sim -- --seeds 100000`, `npm run sim -- --seed 7` for one seed with its trace.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { isMainThread, parentPort } from "node:worker_threads";
import { type BatchInput, type BatchReport, DEFAULT_TRACE_LINES, describeFailure, runBatch } from "./batch.ts";
import { runCrew } from "./crew.ts";
import { isFault } from "./scenario.ts";
import { DEFAULT_STEPS, trace } from "./simulation.ts";

const USAGE = `usage: npm run sim -- [options]
  --seeds N      run N seeds (2000)
  --from N       the first of them (1)
  --seed N       run one seed and show its trace
  --steps N      steps per seed (${DEFAULT_STEPS})
  --workers N    threads (one per core)
  --trace N      lines of a trace to show (all for --seed, else ${DEFAULT_TRACE_LINES})
  --report FILE  write what was done as JSON`;

/** Failed seeds that are shown with their trace. */
const MAX_SHOWN_FAILURES = 3;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function positive(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a number of at least 1: ${text}\n${USAGE}`);
  return number;
}

function git(...args: string[]): string {
  try {
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}

function reportOf(input: BatchInput, workers: number, seconds: number, report: BatchReport): object {
  const { actions, failed, ...rest } = report;
  const split = (wanted: boolean) =>
    Object.fromEntries(Object.entries(actions).filter(([name]) => isFault(name) === wanted));
  return {
    commit: git("rev-parse", "HEAD"),
    hasUncommittedChanges: git("status", "--porcelain", "--untracked-files=no") !== "",
    firstSeed: input.from,
    stepsPerSeed: input.steps,
    ...rest,
    faults: split(true),
    actions: split(false),
    failed,
    seconds: Math.round(seconds * 10) / 10,
    seedsPerSecond: Math.round(report.seeds / seconds),
    workers,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version },
  };
}

/** One seed, told in full. Returns whether its promises were kept. */
async function replay(seed: number, steps: number, lines: number): Promise<boolean> {
  const { lines: all, violation } = await trace(seed, steps);
  for (const line of all.slice(-lines)) say(line);
  say(violation === undefined ? `seed ${seed}: all promises kept` : violation.message);
  return violation === undefined;
}

/** Many seeds. Returns whether all promises were kept. */
async function runMany(input: BatchInput, workers: number, traceLines: number, file: string | undefined) {
  const startMs = performance.now();
  let shownSeconds = 0;
  const report = await runCrew(input, workers, new URL(import.meta.url), (done) => {
    const seconds = (performance.now() - startMs) / 1000;
    if (seconds < shownSeconds + 10) return;
    shownSeconds = seconds;
    const seeds = done.reduce((sum, part) => sum + part.seeds, 0);
    const failed = done.reduce((sum, part) => sum + part.failed.length, 0);
    say(`${seeds} of ${input.count} seeds in ${seconds.toFixed(0)} s, ${failed} failed`);
  });
  const seconds = (performance.now() - startMs) / 1000;
  if (file !== undefined)
    writeFileSync(file, `${JSON.stringify(reportOf(input, workers, seconds, report), null, 2)}\n`);
  for (const failure of report.failed.slice(0, MAX_SHOWN_FAILURES)) say(await describeFailure(failure, traceLines));
  const { seeds, steps, deliveries, failed } = report;
  const checks = Object.values(report.checks).reduce((sum, count) => sum + count, 0);
  const faults = Object.entries(report.actions).reduce((sum, [name, count]) => sum + (isFault(name) ? count : 0), 0);
  say(`${seeds} seeds, ${steps} steps, ${faults} faults, ${deliveries} deliveries, ${checks} checks`);
  say(`${seconds.toFixed(1)} s on ${workers} threads: ${(seeds / seconds).toFixed(0)} seeds per second`);
  say(
    failed.length === 0 ? "all promises kept" : `seeds that broke a promise: ${failed.map((f) => f.seed).join(", ")}`,
  );
  return failed.length === 0;
}

async function main(): Promise<boolean> {
  const names = ["seeds", "from", "seed", "steps", "workers", "trace", "report"] as const;
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ options });
  const steps = positive(values["steps"], DEFAULT_STEPS);
  if (values["seed"] !== undefined) {
    return replay(positive(values["seed"], 1), steps, positive(values["trace"], Number.MAX_SAFE_INTEGER));
  }
  const input = { from: positive(values["from"], 1), count: positive(values["seeds"], 2000), steps };
  const workers = positive(values["workers"], availableParallelism());
  return runMany(input, workers, positive(values["trace"], DEFAULT_TRACE_LINES), values["report"]);
}

if (isMainThread) {
  main().then(
    (isWell) => {
      process.exitCode = isWell ? 0 : 1;
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
      process.exitCode = 2;
    },
  );
} else {
  parentPort?.on("message", (input: BatchInput) => {
    runBatch(input).then(
      (report) => parentPort?.postMessage(report),
      (error: unknown) => {
        throw error;
      },
    );
  });
}
