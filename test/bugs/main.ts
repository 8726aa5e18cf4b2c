/**
 * The ten bugs by hand: `npm run bugs`, from the root of the project. Prints who caught which.
 */
import { BUGS } from "./bugs.ts";
import { hunt } from "./hunt.ts";

/** Seeds that are tried before a bug counts as not caught. */
const MAX_SEEDS = 2000;

const NAME_WIDTH = Math.max(...BUGS.map(({ name }) => name.length));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function row(name: string, rule: string, seeds: string, seconds: string, effect: string): string {
  return `${name.padEnd(NAME_WIDTH)}  ${rule.padEnd(10)} ${seeds.padStart(5)} ${seconds.padStart(6)}  ${effect}`;
}

say("Each bug is put into the source by itself and the simulation runs seed 1, 2, 3, ... until a promise is broken.");
say(`The promise is named as in test/sim/violation.ts. A bug that ${MAX_SEEDS} seeds do not see is not caught.\n`);
say(row("bug", "caught by", "seeds", "time", "what it does"));
let missed = 0;
for (const bug of BUGS) {
  const { rule, seeds, ms } = await hunt(bug, process.cwd(), MAX_SEEDS);
  if (rule === undefined) missed += 1;
  say(row(bug.name, rule ?? "NOBODY", String(seeds), `${(ms / 1000).toFixed(1)} s`, bug.effect));
}
say(missed === 0 ? `\nall ${BUGS.length} caught` : `\n${missed} of ${BUGS.length} not caught`);
process.exitCode = missed === 0 ? 0 : 1;
