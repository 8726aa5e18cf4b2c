/**
 * One table of the environment as the verbs see it: what is on disk in LMDB, overlaid with what was written since the last
 * checkpoint.
 *
 * Keys are byte strings (see `../positions.ts`). A write goes to the log and to the overlay at once. A checkpoint takes the
 * overlay (`seal`), hands it to LMDB (`flush`) and lets go of it once LMDB has it on disk (`settle`).
 *
 *  T1  `get` and `range` answer as if everything written so far were committed.
 *  T2  A range is read in one turn: nothing may be written to the table between its first and its last entry.
 */
import type { Database } from "lmdb";
import type { CommitLog } from "./commit-log.ts";
import { AFTER_EVERY_KEY } from "./keys.ts";

/** A table of the environment. */
export type LmdbTable = Database<Buffer, string>;

/** A key with its value. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
}

/** Which entries to read: those with `from` <= key < `to`. */
export interface Range {
  readonly from: string;
  readonly to: string;
  /** From the last to the first. */
  readonly reverse?: boolean;
}

/** Null: removed. */
type Overlay = Map<string, Buffer | null>;

/** A table with an overlay. */
export class Table {
  readonly #committed: LmdbTable;
  readonly #number: number;
  readonly #log: CommitLog;
  #written: Overlay = new Map();
  #sealed: Overlay = new Map();
  /** No key on disk is greater. Most keys that are asked for and not there are new ones, which are. */
  #greatestKey: string;

  /** `number`: of the table in the log. */
  constructor(committed: LmdbTable, number: number, log: CommitLog) {
    this.#committed = committed;
    this.#number = number;
    this.#log = log;
    this.#greatestKey = greatestKeyOf(committed);
  }

  /** Entries that the next checkpoint has to write. */
  get writtenCount(): number {
    return this.#written.size;
  }

  get(key: string): Buffer | undefined {
    const overlaid = this.#overlaid(key);
    if (overlaid !== undefined) return overlaid ?? undefined;
    return key > this.#greatestKey ? undefined : this.#committed.get(key);
  }

  put(key: string, value: Buffer): void {
    this.#log.put(this.#number, key, value);
    this.#written.set(key, value);
  }

  remove(key: string): void {
    this.#log.remove(this.#number, key);
    this.#written.set(key, null);
  }

  /** Removes an entry that was put a single time: one that no checkpoint has seen leaves nothing to write. */
  retract(key: string): void {
    this.#log.remove(this.#number, key);
    if (!this.#written.delete(key)) this.#written.set(key, null);
  }

  /** The entries of a range in order. */
  *range({ from, to, reverse = false }: Range): Generator<Entry> {
    const overlaid = this.#overlaidKeys(from, to, reverse);
    let next = 0;
    for (const { key, value } of this.#committedRange(from, to, reverse)) {
      for (; next < overlaid.length; next++) {
        const key2 = overlaid[next] ?? "";
        if (reverse ? key2 < key : key2 > key) break;
        yield* this.#overlaidEntry(key2);
      }
      if (this.#overlaid(key) === undefined) yield { key, value };
    }
    for (; next < overlaid.length; next++) yield* this.#overlaidEntry(overlaid[next] ?? "");
  }

  /** Begins a checkpoint with everything written so far. The one before it must have settled. */
  seal(): void {
    this.#sealed = this.#written;
    this.#written = new Map();
  }

  /** Hands the sealed writes to the running transaction of the environment. */
  flush(): void {
    for (const [key, value] of this.#sealed) {
      // Their promises say nothing that the promise of the transaction does not.
      if (value === null) {
        void this.#committed.remove(key);
      } else {
        if (key > this.#greatestKey) this.#greatestKey = key;
        void this.#committed.put(key, value);
      }
    }
  }

  /** What was sealed is on disk in LMDB. */
  settle(): void {
    this.#sealed = new Map();
  }

  #overlaid(key: string): Buffer | null | undefined {
    const written = this.#written.get(key);
    return written === undefined ? this.#sealed.get(key) : written;
  }

  #overlaidKeys(from: string, to: string, reverse: boolean): string[] {
    const keys: string[] = [];
    for (const overlay of [this.#sealed, this.#written]) {
      for (const key of overlay.keys()) {
        const isRepeated = overlay === this.#written && this.#sealed.has(key);
        if (key >= from && key < to && !isRepeated) keys.push(key);
      }
    }
    keys.sort();
    return reverse ? keys.reverse() : keys;
  }

  *#overlaidEntry(key: string): Generator<Entry> {
    const value = this.#overlaid(key);
    if (value !== null && value !== undefined) yield { key, value };
  }

  *#committedRange(from: string, to: string, reverse: boolean): Generator<Entry> {
    if (!reverse) {
      yield* this.#committed.getRange({ start: from, end: to });
      return;
    }
    // Backwards, the environment includes its start and excludes its end: both need a correction.
    for (const entry of this.#committed.getRange({ start: to, reverse: true, end: "" })) {
      if (entry.key < from) return;
      if (entry.key < to) yield entry;
    }
  }
}

function greatestKeyOf(table: LmdbTable): string {
  for (const { key } of table.getRange({ start: AFTER_EVERY_KEY, end: "", reverse: true, limit: 1 })) return key;
  return "";
}
