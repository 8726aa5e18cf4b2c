/**
 * Retention in the lmdb store: deletes what `../retention.ts` no longer keeps, oldest first, a bounded number at a time.
 */
import type { EndState } from "../../core/task.ts";
import { timeOf } from "../positions.ts";
import { isExpired, RETENTION_CLASSES, type RetentionClass } from "../retention.ts";
import type { Tables } from "./environment.ts";
import { endedPrefix, prefixRange } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueTable } from "./queue-table.ts";
import { type TaskRecords, taskOf } from "./task-records.ts";

/** Deletes ended tasks. */
export class Expiry {
  readonly #tables: Tables;
  readonly #queues: QueueTable;
  readonly #records: TaskRecords;

  constructor(tables: Tables, queues: QueueTable, records: TaskRecords) {
    this.#tables = tables;
    this.#queues = queues;
    this.#records = records;
  }

  /** Deletes up to `limit` tasks. Returns how many. */
  run(nowMs: number, limit: number): number {
    let deleted = 0;
    for (const queue of this.#queues) {
      for (const [index, retention] of RETENTION_CLASSES.entries()) {
        if (deleted < limit && mayHaveExpired(queue, index, retention, nowMs)) {
          deleted += this.#expire(queue, index, retention, nowMs, limit - deleted);
        }
      }
    }
    return deleted;
  }

  #expire(queue: QueueState, index: number, retention: RetentionClass, nowMs: number, limit: number): number {
    let count = classCount(queue, retention);
    const expired: EndedEntry[] = [];
    let oldestEndMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#oldestFirst(queue, retention)) {
      const endMs = timeOf(entry.place);
      if (expired.length >= limit || !isExpired(retention, queue.settings, endMs, count, nowMs)) {
        oldestEndMs = endMs;
        break;
      }
      expired.push(entry);
      count -= 1;
    }
    queue.oldestEndMs[index] = oldestEndMs;
    for (const { task, state, place } of expired) this.#records.delete(task, queue, state, place);
    return expired.length;
  }

  /** Ended tasks of a class in the order in which they ended: the states of the class, merged. */
  *#oldestFirst(queue: QueueState, retention: RetentionClass): Generator<EndedEntry> {
    const states = retention.states.map((state) => this.#inState(queue, state));
    try {
      const heads = states.map((entries) => nextOf(entries));
      while (true) {
        const first = indexOfFirst(heads);
        const [entries, head] = [states[first], heads[first]];
        if (head === undefined || entries === undefined) return;
        yield head;
        heads[first] = nextOf(entries);
      }
    } finally {
      // A range that is not read to its end holds a read transaction, of which there are few.
      for (const entries of states) entries.return(undefined);
    }
  }

  *#inState(queue: QueueState, state: EndState): Generator<EndedEntry> {
    const prefix = endedPrefix(queue.number, state);
    for (const { key, value } of this.#tables.ended.range(prefixRange(prefix, undefined, false))) {
      yield { task: taskOf(value), state, place: key.slice(prefix.length) };
    }
  }
}

/** A task in the order in which the tasks of its queue and state ended. */
interface EndedEntry {
  readonly task: string;
  readonly state: EndState;
  /** See `timedPosition`. */
  readonly place: string;
}

function nextOf(entries: Generator<EndedEntry>): EndedEntry | undefined {
  const next = entries.next();
  return next.done === true ? undefined : next.value;
}

function indexOfFirst(heads: readonly (EndedEntry | undefined)[]): number {
  let first = 0;
  for (const [index, head] of heads.entries()) {
    const best = heads[first];
    if (head !== undefined && (best === undefined || head.place < best.place)) first = index;
  }
  return first;
}

/** Cheap enough for every queue: reads nothing from disk. */
function mayHaveExpired(queue: QueueState, index: number, retention: RetentionClass, nowMs: number): boolean {
  const count = classCount(queue, retention);
  return count > 0 && isExpired(retention, queue.settings, queue.oldestEndMs[index] ?? 0, count, nowMs);
}

function classCount(queue: QueueState, retention: RetentionClass): number {
  return retention.states.reduce((sum, state) => sum + queue.counts[state], 0);
}
