/**
 * The record of a benchmark run, one JSON file in `bench/results`: what was measured, where, on which commit, with every
 * sample. All benches but the first, single one write this format, so that any two records of a kind can be compared.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Environment, environment } from "../environment.ts";
import { type Summary, summary } from "./statistics.ts";

/** Which way a figure is better. "neither": it is there to explain the others, and is not compared. */
export type Better = "higher" | "lower" | "neither";

/** One figure of one subject. */
export interface Metric extends Summary {
  /** Id of the subject. */
  readonly subject: string;
  /** What was measured, unique within its subject. */
  readonly name: string;
  readonly unit: string;
  readonly better: Better;
  /** One per repetition, in their order. */
  readonly samples: readonly number[];
}

/** What was measured: a system, a version of it, a size. */
export interface Subject {
  readonly id: string;
  readonly label: string;
  /** Versions of the server and of its client library. */
  readonly version: string;
  /** What an answered submit is worth. */
  readonly durability: string;
  /** An answered submit is on disk (fsync). */
  readonly syncsBeforeAnswer: boolean;
}

/** A subject that has no figures. */
export interface Absence {
  readonly subject: string;
  readonly label: string;
  /** Tells the reader what to do about it. */
  readonly reason: string;
}

/** One run. */
export interface RunRecord {
  readonly format: 1;
  /** Which bench: "peers", "nodes", "backlog" and so on. */
  readonly kind: string;
  /** ISO 8601, when it began. */
  readonly date: string;
  readonly environment: Environment & { readonly filesystem: string };
  /** Settings of the bench that change what is measured. */
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  readonly repetitions: number;
  readonly subjects: readonly Subject[];
  readonly metrics: readonly Metric[];
  readonly absent: readonly Absence[];
  /** What the bench did about limits of the machine, and the like. */
  readonly notes: readonly string[];
}

/** Magic numbers of statfs(2). fsync costs nothing on those marked volatile. */
const FILESYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x9123683e, "btrfs"],
  [0x58465342, "xfs"],
  [0x2fc12fc1, "zfs"],
  [0x794c7630, "overlay"],
  [0x01021994, "tmpfs"],
]);

/** Collects the samples of a run. */
export class Samples {
  readonly #metrics = new Map<
    string,
    { readonly metric: Omit<Metric, "samples" | keyof Summary>; samples: number[] }
  >();

  /** Adds the sample of one repetition. */
  add(metric: Omit<Metric, "samples" | keyof Summary>, sample: number): void {
    const key = `${metric.subject}\n${metric.name}`;
    const known = this.#metrics.get(key);
    if (known === undefined) this.#metrics.set(key, { metric, samples: [sample] });
    else known.samples.push(sample);
  }

  metrics(): Metric[] {
    return [...this.#metrics.values()].map(({ metric, samples }) => ({ ...metric, ...summary(samples), samples }));
  }
}

/** The file system that temporary folders are on. */
export function filesystemOf(folder: string = tmpdir()): string {
  const type = statfsSync(folder).type;
  return FILESYSTEMS.get(type) ?? `type 0x${type.toString(16)}`;
}

/** Throws when data would lie in memory, where an fsync is worth and costs nothing. */
export function assertRealDisk(folder: string = tmpdir()): void {
  if (filesystemOf(folder) !== "tmpfs") return;
  throw new Error(`${folder} is in memory (tmpfs), where fsync costs nothing: set TMPDIR to a folder on a disk`);
}

/** Makes the record of a run that began then. */
export function recordOf(run: Omit<RunRecord, "format" | "environment">): RunRecord {
  return { format: 1, ...run, environment: { ...environment(), filesystem: filesystemOf() } };
}

/** Where the record of this kind of run goes by default, relative to the working directory. */
export function defaultRecordPath(kind: string, date: string): string {
  const git = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8" });
  const commit = git.status === 0 ? git.stdout.trim() : "unknown";
  return `bench/results/${kind}-${date.slice(0, 10)}-${commit}.json`;
}

/** Writes a record, making its folder. */
export function writeRecord(path: string, record: RunRecord): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(record, undefined, 1)}\n`);
}

/** Reads a record; throws an error that names the file when it is none. */
export function readRecord(path: string): RunRecord {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isRecord(value)) throw new Error(`${path} is not the record of a bench run in format 1`);
  return value;
}

/** Reads a record, or all records in a folder as if they were one run. */
export function readRuns(path: string): RunRecord {
  if (!statSync(path).isDirectory()) return readRecord(path);
  const names = readdirSync(path).filter((name) => name.endsWith(".json"));
  return merged(names.sort().map((name) => readRecord(join(path, name))));
}

/** The samples of several runs of the same bench together; what else a record says is that of the first. */
export function merged(records: readonly RunRecord[]): RunRecord {
  const [first] = records;
  if (first === undefined) throw new Error("there is no record to read");
  const samples = new Samples();
  for (const { subject, name, unit, better, samples: values } of records.flatMap(({ metrics }) => metrics)) {
    for (const value of values) samples.add({ subject, name, unit, better }, value);
  }
  const repetitions = records.reduce((sum, record) => sum + record.repetitions, 0);
  return { ...first, repetitions, metrics: samples.metrics() };
}

function isRecord(value: unknown): value is RunRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value.format === 1 &&
    "metrics" in value &&
    Array.isArray(value.metrics) &&
    "subjects" in value &&
    Array.isArray(value.subjects)
  );
}
