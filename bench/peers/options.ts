/** The options of the peers bench. */
import { parseArgs } from "node:util";

/** What to run. */
export interface PeersOptions {
  /** Undefined = all. */
  readonly only: readonly string[] | undefined;
  readonly repetitions: number;
  readonly quick: boolean;
  /** Where the record goes; undefined = its default place, or nowhere if quick. */
  readonly reportFile: string | undefined;
}

const DEFAULT_REPETITIONS = 3;
const MAX_REPETITIONS = 100;

/** Text for `--help`. */
export const USAGE = `Usage: npm run bench:peers -- [options]

  --only LIST    systems, by name or first part of it: sluice,beanstalkd,rabbitmq (default: all)
  --reps N       repetitions, in turns over the systems (default ${DEFAULT_REPETITIONS}; 5 if the record is to be compared)
  --quick        short phases: shows that everything works, gives no figures worth keeping
  --report FILE  where the record goes (default: bench/results/peers-DATE-COMMIT.json; with --quick: nowhere)
  --help         this text

Servers come from your distribution (apt install redis-server rabbitmq-server beanstalkd nats-server postgresql); those
that are missing are named and left out. SLUICE_BENCH_NATS_SERVER=PATH and the like name another program. Data goes to
TMPDIR, which must be on a disk. Client libraries are installed by npm on first use.`;

/** Reads the command line. Undefined: help was asked for. Throws an error for wrong usage. */
export function parsePeersOptions(args: readonly string[]): PeersOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      reps: { type: "string" },
      quick: { type: "boolean", default: false },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    only: values.only?.split(",").map((name) => name.trim()),
    repetitions: repetitionsOf(values.reps, values.quick ? 1 : DEFAULT_REPETITIONS),
    quick: values.quick,
    reportFile: values.report,
  };
}

/** A number of repetitions. @param fallback when none is given */
export function repetitionsOf(text: string | undefined, fallback: number): number {
  const repetitions = Number(text ?? fallback);
  if (Number.isInteger(repetitions) && repetitions >= 1 && repetitions <= MAX_REPETITIONS) return repetitions;
  throw new Error(`--reps is '${text}', expected a whole number from 1 to ${MAX_REPETITIONS}`);
}
