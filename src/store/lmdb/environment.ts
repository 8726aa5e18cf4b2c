/**
 * The LMDB environment of a data directory: its tables, the log in front of them, and commits that nobody else interferes
 * with.
 *
 *  E1  A commit resolves when it is in the log on disk; if it rejects, nothing of it is there at the next start.
 *  E2  A checkpoint brings whole commits into the tables, in one transaction, and only then are they dropped from the log:
 *      tables and log together always hold everything committed. Bringing them in twice changes nothing.
 *  E3  A commit is good only while the fence is that of this process. A second process that got past the lock file (such as
 *      one in another container, where process ids mean nothing) raises the fence before it reads the log, and the first
 *      one, which looks at the fence after each append, fails instead of working on.
 *  E4  What is not in the tables yet is bounded: with MAX_UNTABLED_ENTRIES commits wait for the checkpoint.
 */
import { type DatabaseOptions, open, type RootDatabase } from "lmdb";
import { StoreFailedError, StoreOpenError } from "../port.ts";
import { CommitLog, type LeftLog, readLogs, removeLogs } from "./commit-log.ts";
import { requireDataFile, requireWholeDataFile, reusableBytes } from "./data-file.ts";
import { type LmdbTable, Table } from "./table.ts";

/** Address space for the data at the start; it grows by itself. */
const DEFAULT_MAP_SIZE_BYTES = 1_073_741_824;
const MAX_TABLES = 16;
const FENCE_TABLE = "fence";
const FENCE_KEY = "epoch";
/** The generation up to which logs are in the tables. Its value says whether there is a log of the next one. */
const LOG_KEY = "log";
/** LMDB takes no empty values here. What counts is the version of the entry. */
const FENCE_VALUE = Buffer.of(1);
const NO_LOG = Buffer.of(1);
const HAS_LOG = Buffer.of(2);
/**
 * Entries after which a checkpoint begins. The more, the more tasks come and go without getting into the tables; the fewer,
 * the shorter the turn in which they are handed to LMDB, which takes about a microsecond each.
 */
const CHECKPOINT_ENTRIES = 8192;
/** Bytes of log after which a checkpoint begins. */
const CHECKPOINT_BYTES = 16_777_216;
/** Entries with which commits wait for the running checkpoint. */
const MAX_UNTABLED_ENTRIES = 65_536;
/** Bytes of log with which commits wait for the running checkpoint. */
const MAX_UNTABLED_BYTES = 134_217_728;

/** Their places are their numbers in the log: only add at the end. */
const TABLE_NAMES = ["tasks", "runs", "ready", "timers", "ended", "queues", "fair", "cancelling", "meta"] as const;

type Name = (typeof TABLE_NAMES)[number];

/** The tables; `keys.ts` says what their keys are. */
export type Tables = Readonly<Record<Name, Table>>;

/** The types of LMDB do not know of key encoders here. */
interface TableOptions extends DatabaseOptions {
  readonly keyEncoder: {
    readonly writeKey: (key: string, target: Buffer, start: number) => number;
    readonly readKey: (source: Buffer, start: number, end: number) => string;
  };
}

const TABLE_OPTIONS: TableOptions = {
  encoding: "binary",
  keyEncoder: {
    // Latin-1 is one byte per character: keys are byte strings.
    writeKey: (key, target, start) => start + target.write(key, start, "latin1"),
    readKey: (source, start, end) => source.toString("latin1", start, end),
  },
};

/** How an environment is opened. */
export interface EnvironmentOptions {
  /** Address space reserved for the data at the start, in bytes; it grows by itself. Default 1 GiB. */
  readonly mapSizeBytes?: number | undefined;
  /** Entries after which a checkpoint begins. Default CHECKPOINT_ENTRIES. */
  readonly checkpointEntries?: number | undefined;
  /** Told when a checkpoint fails. */
  readonly onFailure?: (error: unknown) => void;
}

/** An open environment. */
export class Environment {
  readonly tables: Tables;
  readonly #directory: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #checkpointEntries: number;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #all: readonly Table[];
  readonly #fence: LmdbTable;
  /** The tables as LMDB has them. */
  readonly #tables: readonly LmdbTable[];
  readonly #fenceEpoch: number;
  readonly #log: CommitLog;
  #checkpoint: Promise<void> | undefined;

  /**
   * Opens or creates the environment, and brings into the tables what an earlier process has left in the log. Throws
   * `StoreOpenError`, or what the file system and LMDB throw.
   */
  constructor(directory: string, options: EnvironmentOptions = {}) {
    this.#directory = directory;
    this.#onFailure = options.onFailure ?? (() => undefined);
    this.#checkpointEntries = options.checkpointEntries ?? CHECKPOINT_ENTRIES;
    requireDataFile(directory);
    this.#root = open({
      path: directory,
      // Unless told otherwise it takes a path with a dot in it for that of a file.
      noSubdir: false,
      mapSize: options.mapSizeBytes ?? DEFAULT_MAP_SIZE_BYTES,
      maxDbs: MAX_TABLES,
      // With overlapping sync a failed flush would leave the data visible.
      overlappingSync: false,
      // Batches are made here; LMDB's own would add a promise that nobody handles when a commit fails.
      eventTurnBatching: false,
    });
    try {
      requireWholeDataFile(directory, this.#root.getStats());
      // In one transaction, as each would be flushed to disk by itself.
      const [committed, fence] = this.#root.transactionSync(() => openTables(this.#root));
      this.#fence = fence;
      this.#tables = TABLE_NAMES.map((name) => committed[name]);
      this.#fenceEpoch = this.#root.transactionSync(() => raiseFence(fence));
      this.#log = this.#recover(committed);
      this.tables = tablesOf((name) => new Table(committed[name], TABLE_NAMES.indexOf(name), this.#log));
    } catch (error) {
      void this.#root.close();
      throw error;
    }
    this.#all = TABLE_NAMES.map((name) => this.tables[name]);
  }

  /** Whether something waits for a commit. */
  get isDirty(): boolean {
    return this.#log.isDirty;
  }

  /** Bytes of pages in the data file that hold nothing. */
  get reusableBytes(): number {
    return reusableBytes(
      this.#root.getStats(),
      [this.#fence, ...this.#tables].map((table) => table.getStats()),
    );
  }

  /**
   * Commits everything written so far. One at a time. What is written after the call belongs to the next commit. Rejects
   * with what the file system throws, or `StoreFailedError`.
   */
  async commit(): Promise<void> {
    const checkpoint = this.#beginCheckpoint();
    await this.#log.append();
    this.#requireFence();
    if (checkpoint !== undefined) {
      this.#checkpoint = this.#finishCheckpoint(checkpoint);
      this.#checkpoint.catch(this.#onFailure);
    } else if (this.#mustWait) {
      await this.#checkpoint;
    }
  }

  /** Brings everything committed into the tables; no log is left. Call it when nothing waits for a commit, as the last. */
  async retireLog(): Promise<void> {
    await this.#checkpoint;
    for (const table of this.#all) table.seal();
    await this.#bringIn(this.#log.generation, NO_LOG);
    this.#log.erase();
  }

  /** Releases the files. What is in the log only is brought in by the next start. */
  async close(): Promise<void> {
    await this.#checkpoint?.catch(() => undefined);
    this.#log.close();
    await this.#root.close();
  }

  /** Brings in what logs hold, and begins a log. The old ones go when what they held is on disk. */
  #recover(committed: Readonly<Record<Name, LmdbTable>>): CommitLog {
    const { paths, logs } = readLogs(this.#directory);
    const known = this.#fence.getEntry(LOG_KEY);
    const done = known?.version ?? 0;
    if (known?.value.equals(HAS_LOG) === true) requireLog(this.#directory, logs, done + 1);
    const last = Math.max(done, ...logs.map(({ generation }) => generation));
    const log = new CommitLog(this.#directory, this.#fenceEpoch, last + 1);
    try {
      this.#root.transactionSync(() => {
        for (const { operations } of logs) {
          for (const { table, key, value } of operations()) write(committed, table, key, value);
        }
        void this.#fence.put(LOG_KEY, HAS_LOG, last);
      });
    } catch (error) {
      log.close();
      log.erase();
      throw error;
    }
    removeLogs(this.#directory, paths);
    return log;
  }

  /** At the start of a commit, when what was written is whole: decides whether it ends with a checkpoint. */
  #beginCheckpoint(): number | undefined {
    if (this.#checkpoint !== undefined) return undefined;
    const isDue = this.#untabledEntries >= this.#checkpointEntries || this.#log.bytes >= CHECKPOINT_BYTES;
    if (!isDue) return undefined;
    for (const table of this.#all) table.seal();
    return this.#log.generation;
  }

  async #finishCheckpoint(generation: number): Promise<void> {
    try {
      await this.#log.nextGeneration();
      await this.#bringIn(generation, HAS_LOG);
    } catch (error) {
      throw await reasonOf(error);
    }
    this.#checkpoint = undefined;
  }

  /** Brings what was sealed into the tables: everything up to this generation of the log. */
  async #bringIn(generation: number, hasLog: Buffer): Promise<void> {
    const isOurs = await this.#fence.ifVersion(FENCE_KEY, this.#fenceEpoch, () => {
      for (const table of this.#all) table.flush();
      void this.#fence.put(LOG_KEY, hasLog, generation);
    });
    if (!isOurs) throw this.#lostDirectory();
    for (const table of this.#all) table.settle();
  }

  #requireFence(): void {
    // A read transaction that is still open would show the fence as it was.
    this.#root.resetReadTxn();
    if (this.#fence.getEntry(FENCE_KEY)?.version !== this.#fenceEpoch) throw this.#lostDirectory();
  }

  #lostDirectory(): StoreFailedError {
    return new StoreFailedError(
      `another process has opened the data directory ${this.#directory}: only one may use it, so this one must stop`,
    );
  }

  get #untabledEntries(): number {
    return this.#all.reduce((sum, table) => sum + table.writtenCount, 0);
  }

  get #mustWait(): boolean {
    return this.#untabledEntries >= MAX_UNTABLED_ENTRIES || this.#log.bytes >= MAX_UNTABLED_BYTES;
  }
}

/**
 * Why a transaction failed. LMDB says so by a second promise, which it rejects in the same turn; should it ever forget to,
 * what it said first must do.
 */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && "commitError" in error && error.commitError instanceof Promise)) return error;
  const reason = error.commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
  return await Promise.race([reason, microtasksLater(error)]);
}

async function microtasksLater<T>(value: T): Promise<T> {
  for (let count = 0; count < 10; count++) await undefined;
  return value;
}

/** Makes this process the one that can commit. */
function raiseFence(fence: LmdbTable): number {
  const epoch = (fence.getEntry(FENCE_KEY)?.version ?? 0) + 1;
  void fence.put(FENCE_KEY, FENCE_VALUE, epoch);
  return epoch;
}

function write(
  committed: Readonly<Record<Name, LmdbTable>>,
  table: number,
  key: string,
  value: Buffer | undefined,
): void {
  const name = TABLE_NAMES[table];
  if (name === undefined) throw new StoreOpenError(`the log names table ${table}: use the version that wrote it`);
  if (value === undefined) committed[name].removeSync(key);
  else committed[name].putSync(key, value);
}

function requireLog(directory: string, logs: readonly LeftLog[], generation: number): void {
  if (logs.some((log) => log.generation === generation)) return;
  throw new StoreOpenError(
    `the data in ${directory} is incomplete: the files log.* that belong to data.mdb are missing, and with them the last ` +
      "tasks. Put them back, restore a backup, or start with an empty directory.",
  );
}

function tablesOf<T>(make: (name: Name) => T): Readonly<Record<Name, T>> {
  return {
    tasks: make("tasks"),
    runs: make("runs"),
    ready: make("ready"),
    timers: make("timers"),
    ended: make("ended"),
    queues: make("queues"),
    fair: make("fair"),
    cancelling: make("cancelling"),
    meta: make("meta"),
  };
}

function openTables(root: RootDatabase<Buffer, string>): [Readonly<Record<Name, LmdbTable>>, LmdbTable] {
  const tables = tablesOf((name) => root.openDB<Buffer, string>(name, TABLE_OPTIONS));
  return [tables, root.openDB<Buffer, string>(FENCE_TABLE, { ...TABLE_OPTIONS, useVersions: true })];
}
