/**
 * Tasks on disk, and the one place where a task of the lmdb store changes state: record, indexes and counts change in the
 * same commit.
 *
 *  M1  A task is in exactly one of `ready` (PENDING, RUNNING), `timers` (SCHEDULED, RETRYING) and `ended`.
 *  M2  The counts of a queue agree with that.
 *  M3  An index that names a task which is not there, or is elsewhere, is damage: `StoreFailedError`.
 */

import { isEnded } from "../../core/lifecycle.ts";
import type { EndState } from "../../core/task.ts";
import { StoreFailedError } from "../port.ts";
import { ID_BYTES, idOf, readyPosition, timedPosition } from "../positions.ts";
import { freshRun, type Run, type TaskFacts } from "../record.ts";
import { RETENTION_CLASSES } from "../retention.ts";
import type { Tables } from "./environment.ts";
import { endedPrefix } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueTable } from "./queue-table.ts";
import type { ReadyIndex } from "./ready-index.ts";
import { RecentTasks } from "./recent-tasks.ts";
import { decodeRun, decodeTask, encodeRun, encodeTask } from "./records.ts";

/** Behind more unclaimed tasks than this a new one is not claimed soon: keeping it in memory would be for nothing. */
const MAX_SHORT_BACKLOG = 1024;

/** Where a task is in the tables: all that a change of its state needs to know of it. */
export interface TaskPlace {
  /** Key of the task, see `idPosition`. */
  readonly task: string;
  readonly queue: QueueState;
  /** See `readyPosition`. */
  readonly position: string;
  readonly sequence: number;
  readonly specBytes: number;
}

/** A task that was read. */
export interface ReadTask {
  readonly facts: TaskFacts;
  readonly place: TaskPlace;
}

/** The tasks and the indexes over them. */
export class TaskRecords {
  readonly #tables: Tables;
  readonly #queues: QueueTable;
  readonly #ready: ReadyIndex;
  readonly #recent = new RecentTasks();

  constructor(tables: Tables, queues: QueueTable, ready: ReadyIndex) {
    this.#tables = tables;
    this.#queues = queues;
    this.#ready = ready;
  }

  /** Reads a task by its key; undefined when there is none. */
  find(task: string): ReadTask | undefined {
    const record = this.#tables.tasks.get(task);
    return record === undefined ? undefined : this.decode(task, record);
  }

  /** Reads a task that is being claimed. */
  readForClaim(task: string): ReadTask {
    return this.#recent.take(task) ?? this.read(task);
  }

  /** Reads a task that an index names. */
  read(task: string): ReadTask {
    const found = this.find(task);
    if (found === undefined) throw new StoreFailedError(`an index names task ${idOf(task)}, which is not there`);
    return found;
  }

  /** Decodes the record of a task. */
  decode(task: string, record: Buffer): ReadTask {
    const facts = decodeTask(record, idOf(task), this.#queueName);
    const queue = this.#queues.get(facts.queue) ?? this.#queues.byNumber(-1);
    const position = readyPosition(facts.priority, facts.startTag, facts.sequence);
    return { facts, place: { task, queue, position, sequence: facts.sequence, specBytes: facts.spec.length } };
  }

  /** Makes sure that a task is where an index says it is. */
  requirePlace(place: TaskPlace, position: string): void {
    if (place.position === position) return;
    throw new StoreFailedError(`the index of dispatch order has task ${idOf(place.task)} in a wrong place`);
  }

  /** What has happened to a task since the insert; undefined for nothing. */
  findRun(task: string): Run | undefined {
    const record = this.#tables.runs.get(task);
    return record === undefined ? undefined : decodeRun(record, idOf(task));
  }

  /** Where a task is in its life. */
  run({ facts, place }: ReadTask): Run {
    return this.findRun(place.task) ?? freshRun(facts.startAtMs);
  }

  /** Adds a task. */
  add(task: string, queue: QueueState, facts: TaskFacts): void {
    const position = readyPosition(facts.priority, facts.startTag, facts.sequence);
    const record = encodeTask(facts, queue.number);
    this.#tables.tasks.put(task, record);
    const place = { task, queue, position, sequence: facts.sequence, specBytes: facts.spec.length };
    this.#enter(place, freshRun(facts.startAtMs), false);
    if (queue.counts.PENDING - queue.running > MAX_SHORT_BACKLOG) return;
    // The spec as in the record: that of the caller may hold on to the message of a whole batch.
    const specStart = record.byteOffset + record.length - facts.spec.length;
    const spec = new Uint8Array(record.buffer, specStart, facts.spec.length);
    this.#recent.add({ facts: { ...facts, spec }, place });
  }

  /**
   * Brings a task into another run. If it is claimed, the claim is removed after this.
   *
   * @param isFirst nothing is recorded of it since the insert
   */
  move(place: TaskPlace, from: Run, to: Run, isFirst = false): void {
    if (from.state === "PENDING" && to.state === "PENDING") {
      this.#ready.enter(place, true);
    } else {
      this.#leave(place, from, isFirst);
      this.#enter(place, to, true);
    }
    this.#tables.runs.put(place.task, encodeRun(to));
  }

  /** Forgets an ended task, known from its entry in `ended`. */
  delete(task: string, queue: QueueState, state: EndState, place: string): void {
    queue.counts[state] -= 1;
    this.#queues.changed(queue);
    this.#tables.ended.remove(endedPrefix(queue.number, state) + place);
    this.#tables.tasks.remove(task);
    this.#tables.runs.remove(task);
  }

  #leave(place: TaskPlace, run: Run, isFirst: boolean): void {
    const { queue } = place;
    queue.counts[run.state] -= 1;
    this.#queues.changed(queue);
    if (isEnded(run.state)) {
      this.#tables.ended.remove(endedPrefix(queue.number, run.state) + timedPosition(run.endMs, place.sequence));
      return;
    }
    queue.waitingBytes -= place.specBytes;
    if (run.state === "PENDING") this.#ready.leave(place, isFirst);
    else this.#tables.timers.remove(timedPosition(run.dueMs, place.sequence));
  }

  #enter(place: TaskPlace, run: Run, hasRun: boolean): void {
    const { queue } = place;
    const { state } = run;
    queue.counts[state] += 1;
    this.#queues.changed(queue);
    if (isEnded(state)) {
      const retention = RETENTION_CLASSES.findIndex(({ states }) => states.includes(state));
      queue.oldestEndMs[retention] = Math.min(queue.oldestEndMs[retention] ?? 0, run.endMs);
      const key = endedPrefix(queue.number, state) + timedPosition(run.endMs, place.sequence);
      this.#tables.ended.put(key, Buffer.from(place.task, "latin1"));
      return;
    }
    queue.waitingBytes += place.specBytes;
    if (state === "PENDING") this.#ready.enter(place, hasRun);
    else this.#tables.timers.put(timedPosition(run.dueMs, place.sequence), Buffer.from(place.task, "latin1"));
  }

  readonly #queueName = (number: number): string => this.#queues.byNumber(number).name;
}

/** The key of the task that an entry of an index names. */
export function taskOf(value: Buffer): string {
  return value.toString("latin1", 0, ID_BYTES);
}
