/**
 * Listing tasks of the lmdb store: each order from the table that has it.
 */
import type { Candidate, ListOrder } from "../listing.ts";
import type { StoredTask } from "../port.ts";
import { storedTask } from "../record.ts";
import type { Claims } from "./claims.ts";
import type { Tables } from "./environment.ts";
import { endedPrefix, prefixRange, queueKey } from "./keys.ts";
import type { QueueTable } from "./queue-table.ts";
import type { Table } from "./table.ts";
import { type ReadTask, type TaskRecords, taskOf } from "./task-records.ts";

/** Reads tasks in the orders of `list`. */
export class TaskLists {
  readonly #tables: Tables;
  readonly #queues: QueueTable;
  readonly #records: TaskRecords;
  readonly #claims: Claims;

  constructor(tables: Tables, queues: QueueTable, records: TaskRecords, claims: Claims) {
    this.#tables = tables;
    this.#queues = queues;
    this.#records = records;
    this.#claims = claims;
  }

  /** A task as it is shown. */
  shown(task: ReadTask): StoredTask {
    return storedTask(task.facts, this.#records.run(task), this.#claims.ofTask(task.place.task)?.lease ?? 0);
  }

  /** The tasks of an order, in its direction, that come after a position (all of them, when undefined). */
  candidates(order: ListOrder, newestFirst: boolean, after: string | undefined): Iterable<Candidate> {
    switch (order.kind) {
      case "id":
        return this.#byId(after, newestFirst);
      case "running":
        return this.#running(after, newestFirst);
      case "due":
        return this.#indexed(this.#tables.timers, "", after, newestFirst);
      case "ready": {
        const queue = this.#queues.get(order.queue);
        return queue === undefined ? [] : this.#indexed(this.#tables.ready, queueKey(queue.number), after, newestFirst);
      }
      case "ended": {
        const queue = this.#queues.get(order.queue);
        return queue === undefined
          ? []
          : this.#indexed(this.#tables.ended, endedPrefix(queue.number, order.state), after, newestFirst);
      }
    }
  }

  *#byId(after: string | undefined, newestFirst: boolean): Generator<Candidate> {
    for (const { key, value } of this.#tables.tasks.range(prefixRange("", after, newestFirst))) {
      yield { position: key, read: () => this.shown(this.#records.decode(key, value)) };
    }
  }

  *#indexed(table: Table, prefix: string, after: string | undefined, newestFirst: boolean): Generator<Candidate> {
    for (const { key, value } of table.range(prefixRange(prefix, after, newestFirst))) {
      yield { position: key.slice(prefix.length), read: () => this.shown(this.#records.read(taskOf(value))) };
    }
  }

  *#running(after: string | undefined, newestFirst: boolean): Generator<Candidate> {
    const tasks = Array.from(this.#claims, ({ place }) => place.task).sort();
    if (newestFirst) tasks.reverse();
    for (const task of tasks) {
      const isPassed = after !== undefined && (newestFirst ? task >= after : task <= after);
      if (!isPassed) yield { position: task, read: () => this.shown(this.#records.read(task)) };
    }
  }
}
