/**
 * Tasks on disk, and the one place where a task of the lmdb store changes state: record, indexes and counts change in the
 * same commit.
 *
 *  M1  A task is in exactly one of `ready` (PENDING, RUNNING), `timers` (SCHEDULED, RETRYING) and `ended`.
 *  M2  The counts of a queue agree with that.
 *  M3  An index that names a task which is not there, or is elsewhere, is damage: `StoreFailedError`.
 */
import type { EndState } from "../../core/task.ts";
import { StoreFailedError } from "../port.ts";
import { idOf, readyPosition, timedPosition } from "../positions.ts";
import { freshRun, isEnded, type Run, type TaskFacts } from "../record.ts";
import { RETENTION_CLASSES } from "../retention.ts";
import type { Tables } from "./environment.ts";
import { endedPrefix } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueTable } from "./queue-table.ts";
import type { ReadyIndex } from "./ready-index.ts";
import { decodeRun, decodeTask, encodeRun, encodeTask } from "./records.ts";

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

  /** Reads a task that an index names. */
  read(task: string): ReadTask {
    const found = this.find(task);
    if (found === undefined) throw new StoreFailedError(`an index names task ${idOf(task)}, which is not there`);
    return found;
  }

  /** Decodes the record of a task. */
  decode(task: string, record: Uint8Array): ReadTask {
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
    this.#tables.tasks.put(task, encodeTask(facts, queue.number));
    this.#enter(
      { task, queue, position, sequence: facts.sequence, specBytes: facts.spec.length },
      freshRun(facts.startAtMs),
    );
  }

  /** Brings a task into another run. If it is claimed, the claim is removed after this. */
  move(place: TaskPlace, from: Run, to: Run): void {
    if (from.state === "PENDING" && to.state === "PENDING") {
      this.#ready.giveBack(place);
    } else {
      this.#leave(place, from);
      this.#enter(place, to);
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

  #leave(place: TaskPlace, run: Run): void {
    const { queue } = place;
    queue.counts[run.state] -= 1;
    this.#queues.changed(queue);
    if (isEnded(run.state)) {
      this.#tables.ended.remove(endedPrefix(queue.number, run.state) + timedPosition(run.endMs, place.sequence));
      return;
    }
    queue.waitingBytes -= place.specBytes;
    if (run.state === "PENDING") this.#ready.leave(place);
    else this.#tables.timers.remove(timedPosition(run.dueMs, place.sequence));
  }

  #enter(place: TaskPlace, run: Run): void {
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
    if (state === "PENDING") this.#ready.enter(place);
    else this.#tables.timers.put(timedPosition(run.dueMs, place.sequence), Buffer.from(place.task, "latin1"));
  }

  readonly #queueName = (number: number): string => this.#queues.byNumber(number).name;
}

/** The key of the task that an entry of an index names. */
export function taskOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}
