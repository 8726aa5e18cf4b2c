/**
 * The log of commits: what was written to the tables since the last checkpoint, appended and flushed at each commit. One
 * append to one file is several times faster than a transaction of LMDB, and what comes and goes between two checkpoints
 * never gets into its tables.
 *
 * Two files are used in turn. A checkpoint brings the generation that one of them holds into the tables, while commits go on
 * in the other; then the first is free for the generation after that.
 *
 *  C1  `append` resolves when everything written before the call is on disk. If it rejects, nothing of that is in the log.
 *  C2  One append runs at a time. Records are in the order of the calls.
 *  C3  The files carry the number of the start that made them: a process that lost the directory to another one without
 *      knowing it writes to files which the other has read and removed.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { StoreOpenError } from "../port.ts";
import { encodeFileHead, type Operation, RecordBuffer, readGeneration, readOperations } from "./log-records.ts";

const FILE_NAME = /^log\.\d+\.[01]$/;
/**
 * Up to this much is written in the turn itself: into the memory of the system, which takes some microseconds, where the way
 * to another thread and back takes ten times that. Only the flush has to wait for the disk.
 */
const MAX_SYNC_WRITE_BYTES = 262_144;
const writeAt = promisify(write);
const flush = promisify(fdatasync);

/** A log that an earlier process has left behind. */
export interface LeftLog {
  readonly path: string;
  readonly generation: number;
  /** Throws `StoreOpenError` where it is damaged. */
  readonly operations: () => Iterable<Operation>;
}

/** One of the two files. */
interface LogFile {
  readonly descriptor: number;
  generation: number;
  records: number;
  bytes: number;
}

/** Reads the logs in a data directory, oldest first; those without a record are left out. Throws `StoreOpenError`. */
export function readLogs(directory: string): { readonly paths: string[]; readonly logs: LeftLog[] } {
  const names = readdirSync(directory).filter((name) => FILE_NAME.test(name));
  const paths = names.map((name) => join(directory, name));
  const logs = names.flatMap((name) => readLog(directory, name) ?? []);
  return { paths, logs: logs.sort((a, b) => a.generation - b.generation) };
}

function readLog(directory: string, name: string): LeftLog | undefined {
  const path = join(directory, name);
  const file = readFileSync(path);
  const damaged = (reason: string): never => {
    throw new StoreOpenError(
      `the data in ${directory} is damaged: ${name}: ${reason}. Restore it from a backup, or start with an empty directory.`,
    );
  };
  const generation = readGeneration(file, damaged);
  if (generation === undefined) return undefined;
  return { path, generation, operations: () => readOperations(file, generation, damaged) };
}

/** Removes what `readLogs` has read. */
export function removeLogs(directory: string, paths: readonly string[]): void {
  for (const path of paths) rmSync(path);
  flushDirectory(directory);
}

/** The log that this process writes. */
export class CommitLog {
  readonly #paths: readonly string[];
  readonly #directory: string;
  #current: LogFile;
  #other: LogFile;
  #collecting = new RecordBuffer();
  #writing = new RecordBuffer();

  /** Makes the files of a start; `generation` is the first. They are on disk when it returns. */
  constructor(directory: string, start: number, generation: number) {
    this.#directory = directory;
    this.#paths = [0, 1].map((index) => join(directory, `log.${start}.${index}`));
    const [current, other] = this.#paths.map((path) => ({
      descriptor: openSync(path, "w"),
      generation,
      records: 0,
      bytes: 0,
    }));
    if (current === undefined || other === undefined) throw new Error("there are two paths");
    this.#current = current;
    this.#other = other;
    begin(current, generation);
    fdatasyncSync(current.descriptor);
    flushDirectory(directory);
  }

  /** Whether something waits for `append`. */
  get isDirty(): boolean {
    return !this.#collecting.isEmpty;
  }

  /** Bytes of the current generation. */
  get bytes(): number {
    return this.#current.bytes;
  }

  get generation(): number {
    return this.#current.generation;
  }

  put(table: number, key: string, value: Buffer): void {
    this.#collecting.put(table, key, value);
  }

  remove(table: number, key: string): void {
    this.#collecting.remove(table, key);
  }

  /** Writes what was collected as one record of the current generation. */
  async append(): Promise<void> {
    const file = this.#current;
    const buffer = this.#collecting;
    this.#collecting = this.#writing;
    this.#writing = buffer;
    if (buffer.isEmpty) return;
    const record = buffer.seal(file.generation, file.records);
    try {
      await writeWhole(file.descriptor, record, file.bytes);
      await flush(file.descriptor);
    } catch (error) {
      withdraw(file);
      throw error;
    }
    file.bytes += record.length;
    file.records += 1;
    buffer.clear();
  }

  /** The next append begins another generation, in the other file: what that held must be in the tables. */
  async nextGeneration(): Promise<void> {
    const [full, next] = [this.#current, this.#other];
    begin(next, full.generation + 1);
    this.#current = next;
    this.#other = full;
    await flush(next.descriptor);
  }

  /** Closes the files and leaves them to the next start. */
  close(): void {
    closeSync(this.#current.descriptor);
    closeSync(this.#other.descriptor);
  }

  /** Removes the files, closed or not: all they held is in the tables. */
  erase(): void {
    removeLogs(this.#directory, this.#paths);
  }
}

function begin(file: LogFile, generation: number): void {
  ftruncateSync(file.descriptor, 0);
  const head = encodeFileHead(generation);
  writeSync(file.descriptor, head, 0, head.length, 0);
  file.generation = generation;
  file.records = 0;
  file.bytes = head.length;
}

async function writeWhole(descriptor: number, bytes: Buffer, position: number): Promise<void> {
  // A disk that is nearly full takes a part, and refuses the rest at the next try.
  for (let done = 0; done < bytes.length; ) {
    const left = bytes.length - done;
    if (left <= MAX_SYNC_WRITE_BYTES) {
      done += writeSync(descriptor, bytes, done, left, position + done);
    } else {
      done += (await writeAt(descriptor, bytes, done, left, position + done)).bytesWritten;
    }
  }
}

/** Takes back a record whose append failed, as far as the disk lets us: what was rejected must not come back later. */
function withdraw(file: LogFile): void {
  try {
    ftruncateSync(file.descriptor, file.bytes);
    fdatasyncSync(file.descriptor);
  } catch {
    // The disk that failed has failed again; the store is failed already.
  }
}

function flushDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
