/**
 * All queues of the lmdb store by name and number.
 *
 *  Q1  The record of a queue changes in the same commit as its tasks: `flush` runs when a commit is sealed.
 *  Q2  Numbers are never reused, so a key of one queue never becomes one of another.
 */
import { MAX_QUEUES } from "../../core/limits.ts";
import { StoreFailedError } from "../port.ts";
import { prefixRange, queueKey, queueNumberOf } from "./keys.ts";
import { newQueueRecord, QueueState } from "./queue-state.ts";
import { decodeQueue, encodeQueue } from "./records.ts";
import type { Table } from "./table.ts";

/** Queues by name and number. */
export class QueueTable {
  readonly #table: Table;
  readonly #byName = new Map<string, QueueState>();
  readonly #byNumber: QueueState[] = [];
  readonly #dirty = new Set<QueueState>();

  /** Reads all queues. Throws `StoreFailedError` for a damaged one. */
  constructor(table: Table) {
    this.#table = table;
    for (const { key, value } of table.range(prefixRange("", undefined, false))) {
      const number = queueNumberOf(key);
      if (number !== this.#byNumber.length) throw new StoreFailedError(`queue number ${number} is out of order`);
      this.#add(new QueueState(number, decodeQueue(value, number)));
    }
  }

  get size(): number {
    return this.#byNumber.length;
  }

  /** Whether there are changes to flush. */
  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** In the order in which they were created. */
  [Symbol.iterator](): Iterator<QueueState> {
    return this.#byNumber[Symbol.iterator]();
  }

  get(name: string): QueueState | undefined {
    return this.#byName.get(name);
  }

  /** The queue of a record. Throws `StoreFailedError` when there is none. */
  byNumber(number: number): QueueState {
    const queue = this.#byNumber[number];
    if (queue === undefined) throw new StoreFailedError(`a task names queue number ${number}, which does not exist`);
    return queue;
  }

  /** Creates a queue; undefined when there are MAX_QUEUES. */
  create(name: string): QueueState | undefined {
    if (this.size >= MAX_QUEUES) return undefined;
    const queue = new QueueState(this.size, newQueueRecord(name));
    this.#add(queue);
    this.changed(queue);
    return queue;
  }

  /** What is recorded of a queue has changed. */
  changed(queue: QueueState): void {
    this.#dirty.add(queue);
  }

  /** Writes the changed queues. */
  flush(): void {
    for (const queue of this.#dirty) this.#table.put(queueKey(queue.number), encodeQueue(queue.record));
    this.#dirty.clear();
  }

  #add(queue: QueueState): void {
    this.#byName.set(queue.name, queue);
    this.#byNumber.push(queue);
  }
}
