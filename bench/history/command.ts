/**
 * What the commands of the benches have in common: options, the table on standard output, the record in `bench/results`.
 * Exit code 0; 1 when something that was to be measured failed; 2 for wrong usage; 130 when it was interrupted.
 */
import { parseArgs } from "node:util";
import { defaultRecordPath, type RunRecord, writeRecord } from "./record.ts";
import { tableOf } from "./tables.ts";

/** Options of every bench. */
export interface CommandOptions {
  /** Undefined = what the bench takes for enough. */
  readonly repetitions: number | undefined;
  /** Short and small: shows that everything works. */
  readonly quick: boolean;
  /** Where the record goes; undefined = its default place, or nowhere if quick. */
  readonly reportFile: string | undefined;
  /** Goes into the record and under its table: what a reader should know of the circumstances. */
  readonly note: string | undefined;
  /** Options of this bench alone, by name. */
  readonly own: Readonly<Record<string, string>>;
}

/** One bench. */
export interface BenchCommand {
  readonly kind: string;
  readonly usage: string;
  /** Names of the options of this bench alone; all take a value. */
  readonly ownOptions?: readonly string[];
  run(options: CommandOptions, log: (line: string) => void): Promise<RunRecord>;
}

/** The options that every bench has, for its usage. */
export const COMMON_USAGE = `  --reps N       repetitions (5 or more if the record is to be compared with another)
  --quick        short and small: shows that everything works, gives no figures worth keeping
  --report FILE  where the record goes (default: bench/results/KIND-DATE-COMMIT.json; with --quick: nowhere)
  --note TEXT    what a reader should know of the circumstances; goes into the record
  --help         this text`;

const MAX_REPETITIONS = 100;
/** Exit code of a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs a bench from the command line. Returns the exit code. */
export async function benchCommand(command: BenchCommand, args: readonly string[]): Promise<number> {
  // Whoever has started servers or made folders ends and removes them on "exit".
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(INTERRUPTED));
  try {
    const options = parseCommandOptions(args, command.ownOptions ?? []);
    if (options === undefined) {
      console.log(command.usage);
      return 0;
    }
    const record = withNote(await command.run(options, console.error), options.note);
    console.log(tableOf(record));
    const path = options.reportFile ?? (options.quick ? undefined : defaultRecordPath(command.kind, record.date));
    if (path !== undefined) {
      writeRecord(path, record);
      console.error(`written to ${path}`);
    }
    return record.absent.some(({ reason }) => reason.startsWith("failed")) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${command.usage}`);
    return 2;
  }
}

/** Reads the command line. Undefined: help was asked for. Throws UsageError. */
export function parseCommandOptions(
  args: readonly string[],
  ownOptions: readonly string[],
): CommandOptions | undefined {
  const { help, quick, reps, report, note, ...own } = parseFlags(args, ownOptions);
  if (help === true) return undefined;
  return {
    repetitions: typeof reps === "string" ? wholeNumber("reps", reps, MAX_REPETITIONS) : undefined,
    quick: quick === true,
    reportFile: typeof report === "string" ? report : undefined,
    note: typeof note === "string" ? note : undefined,
    own: Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)])),
  };
}

/** Reads a number from 1 to `most`. Throws UsageError. */
export function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} is '${text}', expected a whole number from 1 to ${most}`);
}

function withNote(record: RunRecord, note: string | undefined): RunRecord {
  return note === undefined ? record : { ...record, notes: [...record.notes, note] };
}

function parseFlags(
  args: readonly string[],
  ownOptions: readonly string[],
): Record<string, string | boolean | undefined> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const own = Object.fromEntries(ownOptions.map((name) => [name, text]));
  try {
    return parseArgs({
      args: [...args],
      options: { reps: text, report: text, note: text, quick: flag, help: flag, ...own },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
