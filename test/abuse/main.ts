/**
 * `npm run abuse -- [--seconds N] [--only TEXT] [--report FILE]`: every abuse for a while, with the bounds that the project
 * promises. Exit code 0 when all hold, 1 when one does not, 2 for wrong usage.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ABUSES } from "./cases/all.ts";
import { programsIn } from "./programs.ts";
import { type Bounds, formatTable, problemsOf, stamp } from "./report.ts";
import { type AbuseResult, runAbuses } from "./run.ts";

const MIB = 1024 * 1024;
/** Others keep their latency: p99 under five times its quiet value. What is less than 10 ms nobody notices. */
const BOUNDS: Bounds = { p99Factor: 5, p99FloorMs: 10, leakBytes: 16 * MIB, peakBytes: 512 * MIB };
const DEFAULT_SECONDS = 10;
const QUIET_MS = 3000;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: "string" }, only: { type: "string" }, report: { type: "string" } },
  });
  const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
  if (!(seconds > 0)) throw new TypeError("--seconds must be a number above 0");
  const abuses = ABUSES.filter(({ name }) => name.includes(values.only ?? ""));
  const results = await runAbuses({
    programs: programsIn(new URL("../../", import.meta.url)),
    abuses,
    attackMs: seconds * 1000,
    quietMs: QUIET_MS,
    onResult: (result) => console.error(lineOf(result)),
  });
  console.log(formatTable(results));
  const problems = results.flatMap((result) => problemsOf(result, BOUNDS).map((text) => `${result.name}: ${text}`));
  if (values.report !== undefined) writeFileSync(values.report, reportJson(results, problems));
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

function lineOf(result: AbuseResult): string {
  const problems = problemsOf(result, BOUNDS);
  return `${problems.length === 0 ? "ok  " : "FAIL"} ${result.name}${problems.map((text) => `\n     ${text}`).join("")}`;
}

function reportJson(results: readonly AbuseResult[], problems: readonly string[]): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  return `${JSON.stringify({ ...stamp(commit), bounds: BOUNDS, problems, results }, undefined, 2)}\n`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof TypeError;
  console.error(isUsage ? error.message : error);
  process.exitCode = isUsage ? 2 : 1;
}
