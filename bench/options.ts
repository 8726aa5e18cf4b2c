/** The options of the bench: what each means, its unit, default and limits. */
import { parseArgs } from "node:util";

/** What a run does. */
export interface BenchOptions {
  /** Tasks to submit and complete; with `durationMs`, at most these. */
  readonly tasks: number;
  /** Submit for this long; 0 = until `tasks` are submitted. */
  readonly durationMs: number;
  /** Tasks submitted and completed before anything is measured. */
  readonly warmup: number;
  readonly emitters: number;
  /** One analyzer per weight. */
  readonly weights: readonly number[];
  /** Most tasks that one analyzer works on at a time. */
  readonly concurrency: number;
  readonly payloadBytes: number;
  /** Tasks per submit call. */
  readonly batch: number;
  /** Submit calls under way per emitter. */
  readonly inFlight: number;
  /** Tasks per second on a fixed schedule (open loop); 0 = the next submit follows the answer (closed loop). */
  readonly ratePerSecond: number;
  /** A node that runs already, host:port; undefined = start one of our own. */
  readonly address: string | undefined;
  /** Store of a node of our own. */
  readonly store: "lmdb" | "memory";
  /** Write the report as JSON to this file too. */
  readonly jsonFile: string | undefined;
  /** A small run on each store that only has to be complete. */
  readonly smoke: boolean;
}

/** The command line is wrong; the message says what to write instead. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

/** Room in each payload for the time of submission, see `stamp.ts`. */
export const MIN_PAYLOAD_BYTES = 16;

const DEFAULT_TASKS = 100_000;
/** With a duration only: more than any machine can do in it. */
const UNLIMITED_TASKS = 1_000_000_000;
const DEFAULT_WARMUP = 10_000;
const DEFAULT_WEIGHTS = "0.4,0.3,0.2,0.1";

const SMOKE: Partial<BenchOptions> = { tasks: 2000, warmup: 200, batch: 50 };

/** Text for `--help`. */
export const USAGE = `Usage: npm run bench -- [options]

  --tasks N          tasks to submit and complete (default ${DEFAULT_TASKS}; with --duration: no limit)
  --duration S       submit for S seconds instead
  --warmup N         tasks before the measurement (default ${DEFAULT_WARMUP})
  --emitters N       emitters (default 2)
  --analyzers LIST   weights, one analyzer each (default ${DEFAULT_WEIGHTS})
  --concurrency N    most tasks that one analyzer works on at a time (default 1000)
  --payload-bytes N  bytes per task, at least ${MIN_PAYLOAD_BYTES} (default 256)
  --batch N          tasks per submit call, 1 to 1000 (default 100)
  --in-flight N      submit calls under way per emitter (default 4)
  --rate R           tasks per second on a fixed schedule; latency counts from the scheduled time
                     (default: closed loop, the next submit follows the answer)
  --address H:P      measure a node that runs already (default: start one, with its data in a temporary folder)
  --store KIND       lmdb or memory, for a node started by the bench (default lmdb)
  --json FILE        write the report as JSON too
  --smoke            a small run on each store which fails unless every task was completed
  --help             this text
`;

/** Reads the command line. Returns undefined when help was asked for; throws OptionsError. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const values = parseFlags(args);
  if (values.help === true) return undefined;
  const durationMs = 1000 * numberOf("duration", values.duration, 0, [0, 86_400]);
  const base: BenchOptions = {
    tasks: countOf("tasks", values.tasks, durationMs > 0 ? UNLIMITED_TASKS : DEFAULT_TASKS, [1, UNLIMITED_TASKS]),
    durationMs,
    warmup: countOf("warmup", values.warmup, DEFAULT_WARMUP, [0, UNLIMITED_TASKS]),
    emitters: countOf("emitters", values.emitters, 2, [1, 1000]),
    weights: weightsOf(values.analyzers ?? DEFAULT_WEIGHTS),
    concurrency: countOf("concurrency", values.concurrency, 1000, [1, 10_000]),
    payloadBytes: countOf("payload-bytes", values["payload-bytes"], 256, [MIN_PAYLOAD_BYTES, 1_048_576]),
    batch: countOf("batch", values.batch, 100, [1, 1000]),
    inFlight: countOf("in-flight", values["in-flight"], 4, [1, 10_000]),
    ratePerSecond: numberOf("rate", values.rate, 0, [0, 1_000_000]),
    address: values.address,
    store: storeOf(values.store),
    jsonFile: values.json,
    smoke: values.smoke === true,
  };
  if (base.smoke && base.jsonFile !== undefined) throw new OptionsError("--smoke makes several runs: leave out --json");
  return base.smoke ? { ...base, ...SMOKE } : base;
}

function parseFlags(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        tasks: text,
        duration: text,
        warmup: text,
        emitters: text,
        analyzers: text,
        concurrency: text,
        "payload-bytes": text,
        batch: text,
        "in-flight": text,
        rate: text,
        address: text,
        store: text,
        json: text,
        smoke: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(name: string, text: string | undefined, fallback: number, [min, max]: [number, number]): number {
  if (text === undefined) return fallback;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= min && value <= max)) {
    throw new OptionsError(`--${name} is '${text}', expected a number from ${min} to ${max}`);
  }
  return value;
}

function countOf(name: string, text: string | undefined, fallback: number, range: [number, number]): number {
  const value = numberOf(name, text, fallback, range);
  if (!Number.isInteger(value)) throw new OptionsError(`--${name} is '${text}', expected a whole number`);
  return value;
}

function weightsOf(text: string): number[] {
  return text.split(",").map((weight) => {
    const value = numberOf("analyzers", weight, 0, [0, 1_000_000]);
    if (value === 0)
      throw new OptionsError(`--analyzers is '${text}', expected weights greater than 0 such as 0.4,0.6`);
    return value;
  });
}

function storeOf(text: string | undefined): "lmdb" | "memory" {
  if (text === undefined || text === "lmdb") return "lmdb";
  if (text === "memory") return "memory";
  throw new OptionsError(`--store is '${text}', expected lmdb or memory`);
}
