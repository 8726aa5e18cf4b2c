/**
 * `npm run faults`: the fault tests in other amounts than those of every day. `--help` says which.
 *
 * Ends with 0 when nothing was violated, with 1 when something was, with 2 when it was called wrongly.
 */
import { parseArgs } from "node:util";
import { runDamage } from "./damage.ts";
import { runPowerCuts } from "./power.ts";
import { raceSessions, raceSilence, raceTimeouts } from "./races.ts";
import { writeReport } from "./report.ts";
import { runRounds } from "./rounds.ts";
import { runStorm } from "./storm.ts";

const HELP = `npm run faults -- [options]; with none, 20 rounds of kill -9

  --rounds N      kill -9 of the node at N random moments, analyzers too
  --power-cuts N  kill -9 of the node N times, and loss of what it had not synced (Linux, needs cc)
  --races N       N results that race the end of their lease, of each kind
  --storm N       N analyzers that return at once when the node dies, and when they do
  --damage N      starts on N damaged copies of the data
  --per-second N  tasks submitted per second (default 300)
  --seed N        of the random choices (default: made up, and printed)
  --report FILE   writes what came of it as JSON
`;

const STORM_DEADLINE_MS = 120_000;

/** What was asked for. 0: not this. */
interface Amounts {
  readonly rounds: number;
  readonly "power-cuts": number;
  readonly races: number;
  readonly storm: number;
  readonly damage: number;
  readonly "per-second": number;
  readonly seed: number;
}

/** A part of the report. */
interface Part {
  readonly violations?: readonly unknown[];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readAmounts(): { readonly amounts: Amounts; readonly report: string | undefined } | undefined {
  const number = { type: "string", default: "0" } as const;
  const { values } = parseArgs({
    options: {
      rounds: number,
      "power-cuts": number,
      races: number,
      storm: number,
      damage: number,
      "per-second": { type: "string", default: "300" },
      seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const amounts: Amounts = {
    rounds: Number(values.rounds),
    "power-cuts": Number(values["power-cuts"]),
    races: Number(values.races),
    storm: Number(values.storm),
    damage: Number(values.damage),
    "per-second": Number(values["per-second"]),
    seed: Number(values.seed),
  };
  const wrong = Object.entries(amounts).find(([, value]) => !Number.isInteger(value) || value < 0);
  if (wrong !== undefined) throw new Error(`--${wrong[0]} wants a whole number`);
  const { rounds, "power-cuts": cuts, races, storm, damage } = amounts;
  const isAny = rounds + cuts + races + storm + damage > 0;
  return { amounts: isAny ? amounts : { ...amounts, rounds: 20 }, report: values.report };
}

async function run(amounts: Amounts): Promise<Record<string, Part>> {
  const { seed, "per-second": perSecond } = amounts;
  const parts: Record<string, Part> = {};
  const add = (name: string, part: Part): void => {
    parts[name] = part;
    say(`${name}: ${JSON.stringify(part, undefined, 2)}`);
  };
  if (amounts.rounds > 0) add("rounds", await runRounds({ rounds: amounts.rounds, seed, perSecond, say }));
  if (amounts["power-cuts"] > 0) add("powerCuts", await runPowerCuts(amounts["power-cuts"], seed));
  if (amounts.races > 0) {
    add("timeoutRaces", await raceTimeouts(amounts.races, seed));
    add("silenceRaces", await raceSilence(amounts.races, seed));
    add("sessionRaces", await raceSessions(amounts.races, seed));
  }
  if (amounts.storm > 0) {
    add("storm", await runStorm({ analyzers: amounts.storm, perSecond, deadlineMs: STORM_DEADLINE_MS }));
  }
  if (amounts.damage > 0) {
    const damage = await runDamage(amounts.damage, seed, say);
    add("damage", { ...damage, violations: damage.failures });
  }
  return parts;
}

async function main(): Promise<number> {
  let asked: ReturnType<typeof readAmounts>;
  try {
    asked = readAmounts();
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  if (asked === undefined) {
    say(HELP);
    return 0;
  }
  say(`seed ${asked.amounts.seed}`);
  const parts = await run(asked.amounts);
  if (asked.report !== undefined) writeReport(asked.report, parts);
  return Object.values(parts).every(({ violations }) => violations?.length === 0) ? 0 : 1;
}

process.exitCode = await main();
