/**
 * `npm run faults`: the fault tests in other amounts than those of every day. `--help` says which.
 *
 * Ends with 0 when nothing was violated, with 1 when something was, with 2 when it was called wrongly.
 */
import { parseArgs } from "node:util";
import { writeReport } from "./report.ts";
import { runRounds } from "./rounds.ts";

const HELP = `npm run faults -- [options]

  --rounds N      kill -9 of the node at N random moments, analyzers too (default 20)
  --per-second N  tasks submitted per second (default 300)
  --seed N        of the random choices (default: made up, and printed)
  --report FILE   writes what came of it as JSON
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    "per-second": { type: "string", default: "300" },
    seed: { type: "string" },
    report: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  if (values.help) {
    say(HELP);
    return 0;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const [rounds, perSecond] = [Number(values.rounds), Number(values["per-second"])];
  if (![seed, rounds, perSecond].every(Number.isInteger)) {
    say(`a number is wanted\n${HELP}`);
    return 2;
  }
  say(`${rounds} rounds with seed ${seed}`);
  const report = await runRounds({ rounds, seed, perSecond, say });
  say(JSON.stringify(report, undefined, 2));
  if (values.report !== undefined) writeReport(values.report, report);
  return report.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
