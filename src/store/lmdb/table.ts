/**
 * One table of the environment as the verbs see it: what is committed, overlaid with what is written but not yet durable.
 *
 * Keys are byte strings (see `../positions.ts`). A batch of writes goes through three steps: written (`put`, `remove`),
 * sealed (`seal`: it is being committed), settled (`settle`: it is on disk, and the overlay lets go of it).
 *
 *  T1  `get` and `range` answer as if everything written so far were committed.
 *  T2  A range is read in one turn: nothing may be written to the table between its first and its last entry.
 */
import type { Database } from "lmdb";

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
  #written: Overlay = new Map();
  #sealed: Overlay = new Map();

  constructor(committed: LmdbTable) {
    this.#committed = committed;
  }

  /** Whether there are writes that are not sealed. */
  get isDirty(): boolean {
    return this.#written.size > 0;
  }

  get(key: string): Buffer | undefined {
    const overlaid = this.#overlaid(key);
    return overlaid === undefined ? this.#committed.get(key) : (overlaid ?? undefined);
  }

  put(key: string, value: Buffer): void {
    this.#written.set(key, value);
  }

  remove(key: string): void {
    this.#written.set(key, null);
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

  /** Begins the commit of everything written. The one before it must have settled. */
  seal(): void {
    this.#sealed = this.#written;
    this.#written = new Map();
  }

  /** Hands the sealed writes to the running batch of the environment. */
  flush(): void {
    for (const [key, value] of this.#sealed) {
      // Their promises say nothing that the promise of the batch does not.
      if (value === null) void this.#committed.remove(key);
      else void this.#committed.put(key, value);
    }
  }

  /** What was sealed is durable. */
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
