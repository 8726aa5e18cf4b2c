/**
 * `npm run soak -- --minutes 30 --report FILE`. Ends with 0 when the checker is green and memory and latency are flat, with 1
 * when not.
 */
import { parseArgs } from "node:util";
import { writeReport } from "../report.ts";
import { runSoak } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    "per-second": { type: "string", default: "150" },
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    report: { type: "string" },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const minutes = Number(values.minutes);
const seed = Number(values.seed);
const perSecond = Number(values["per-second"]);
if (!(minutes > 0 && perSecond > 0 && Number.isInteger(seed))) {
  say("npm run soak -- [--minutes N] [--per-second N] [--seed N] [--report FILE]");
  process.exit(2);
}
say(`soaking for ${minutes} min with seed ${seed}`);
const report = await runSoak({ minutes, perSecond, seed, say });
for (const [series, { first, last, samples, isFlat }] of Object.entries(report.figures)) {
  say(
    `${isFlat ? "flat    " : "NOT FLAT"} ${series.padEnd(28)} ${first ?? "-"} -> ${last ?? "-"} (${samples.join(", ")} samples)`,
  );
}
say(JSON.stringify({ tally: report.tally, violations: report.violations }, undefined, 2));
const isGreen = report.violations.length === 0;
say(
  `${isGreen ? "no promise was broken" : `${report.violations.length} promises were broken`}; ${report.isFlat ? "flat" : "not flat"}`,
);
if (values.report !== undefined) writeReport(values.report, report);
process.exitCode = isGreen && report.isFlat ? 0 : 1;
