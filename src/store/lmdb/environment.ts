/**
 * The LMDB environment of a data directory: its tables, and commits that nobody else interferes with.
 *
 *  E1  A commit is one transaction. It resolves after the flush to disk; if it rejects, nothing of it is visible.
 *  E2  A commit takes effect only while the fence has the epoch of this process. A second process that got past the lock
 *      file (such as one in another container, where process ids mean nothing) raises the fence when it opens the data, and
 *      the first one fails at its next commit instead of working on.
 */
import { type DatabaseOptions, open, type RootDatabase } from "lmdb";
import { StoreFailedError } from "../port.ts";
import { requireDataFile, requireWholeDataFile } from "./data-file.ts";
import { type LmdbTable, Table } from "./table.ts";

/** Address space for the data at the start; it grows by itself. */
const DEFAULT_MAP_SIZE_BYTES = 1_073_741_824;
const MAX_TABLES = 16;
const FENCE_TABLE = "fence";
const FENCE_KEY = "epoch";
/** LMDB takes no empty values here. The epoch is in the version of the entry. */
const FENCE_VALUE = Buffer.of(1);

const TABLE_NAMES = ["tasks", "runs", "ready", "timers", "ended", "queues", "fair", "cancelling", "meta"] as const;

/** The tables; `keys.ts` says what their keys are. */
export type Tables = Readonly<Record<(typeof TABLE_NAMES)[number], Table>>;

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

/** An open environment. */
export class Environment {
  readonly tables: Tables;
  readonly #directory: string;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #all: readonly Table[];
  readonly #fence: LmdbTable;
  #fenceEpoch: number;
  #nextFenceEpoch: number;

  /** Opens or creates the environment. Throws `StoreOpenError`, or what the file system and LMDB throw. */
  constructor(directory: string, mapSizeBytes: number = DEFAULT_MAP_SIZE_BYTES) {
    this.#directory = directory;
    requireDataFile(directory);
    this.#root = open({
      path: directory,
      // Unless told otherwise it takes a path with a dot in it for that of a file.
      noSubdir: false,
      mapSize: mapSizeBytes,
      maxDbs: MAX_TABLES,
      // With overlapping sync a failed flush would leave the data visible.
      overlappingSync: false,
      // Batches are made here; LMDB's own would add a promise that nobody handles when a commit fails.
      eventTurnBatching: false,
    });
    try {
      requireWholeDataFile(directory, this.#root.getStats());
      // In one transaction, as each would be flushed to disk by itself.
      [this.tables, this.#fence] = this.#root.transactionSync(() => openTables(this.#root));
    } catch (error) {
      void this.#root.close();
      throw error;
    }
    this.#all = TABLE_NAMES.map((name) => this.tables[name]);
    this.#fenceEpoch = this.#fence.getEntry(FENCE_KEY)?.version ?? 0;
    this.#nextFenceEpoch = this.#fenceEpoch;
  }

  /** Whether something waits for a commit. */
  get isDirty(): boolean {
    return this.#all.some((table) => table.isDirty);
  }

  /** With the next commit of writes, makes this process the only one that can commit. Epochs grow. */
  raiseFence(epoch: number): void {
    this.#nextFenceEpoch = epoch;
  }

  /** Commits everything written so far. One at a time. Rejects with what LMDB throws, or `StoreFailedError`. */
  async commit(): Promise<void> {
    const tables = this.#all.filter((table) => table.isDirty);
    const epoch = this.#nextFenceEpoch;
    const write = (): void => {
      if (epoch !== this.#fenceEpoch) void this.#fence.put(FENCE_KEY, FENCE_VALUE, epoch);
      for (const table of tables) table.flush();
    };
    for (const table of tables) table.seal();
    const isOurs =
      this.#fenceEpoch === 0
        ? await this.#fence.ifNoExists(FENCE_KEY, write)
        : await this.#fence.ifVersion(FENCE_KEY, this.#fenceEpoch, write);
    if (!isOurs) {
      throw new StoreFailedError(
        `another process has opened the data directory ${this.#directory}: only one may use it, so this one must stop`,
      );
    }
    this.#fenceEpoch = epoch;
    for (const table of tables) table.settle();
  }

  /** Releases the files. */
  async close(): Promise<void> {
    await this.#root.close();
  }
}

function openTables(root: RootDatabase<Buffer, string>): [Tables, LmdbTable] {
  const table = (name: keyof Tables): Table => new Table(root.openDB<Buffer, string>(name, TABLE_OPTIONS));
  const tables = {
    tasks: table("tasks"),
    runs: table("runs"),
    ready: table("ready"),
    timers: table("timers"),
    ended: table("ended"),
    queues: table("queues"),
    fair: table("fair"),
    cancelling: table("cancelling"),
    meta: table("meta"),
  };
  return [tables, root.openDB<Buffer, string>(FENCE_TABLE, { ...TABLE_OPTIONS, useVersions: true })];
}
