/**
 * What the memory store keeps, and the one place where a task changes state: counts and ordered lists change with it.
 */

import { isEnded } from "../../core/lifecycle.ts";
import type { Candidate, ListOrder } from "../listing.ts";
import type { StoredTask } from "../port.ts";
import { newTaskPosition, readyPosition, timedPosition } from "../positions.ts";
import { type Run, storedTask } from "../record.ts";
import { RETENTION_CLASSES } from "../retention.ts";
import { SortedList } from "../sorted-list.ts";
import type { MemoryEntry, MemoryQueue, MemoryTask } from "./memory-queue.ts";

/** What outlives one store object: the "disk". */
export class MemoryData {
  readonly tasks = new Map<string, MemoryTask>();
  readonly queues = new Map<string, MemoryQueue>();
  /** SCHEDULED and RETRYING tasks by due time. */
  readonly timers = new SortedList<MemoryEntry>();
  epoch = 0;
  dispatchEpoch = 0;
  closed = true;
  sequence = 0;

  /** Adds a task that was just made. */
  add(task: MemoryTask): void {
    this.tasks.set(task.facts.id, task);
    this.#enter(task);
  }

  /** Brings a task into another run. Its claim and the wish to cancel it end with that. */
  move(task: MemoryTask, to: Run): void {
    this.#leave(task);
    task.run = to;
    task.cancelWishMs = undefined;
    this.#enter(task);
  }

  /** Forgets an ended task. */
  delete(task: MemoryTask): void {
    this.#leave(task);
    this.tasks.delete(task.facts.id);
  }

  /** The tasks of an order, in its direction, that come after a position (all of them, when undefined). */
  candidates(order: ListOrder, newestFirst: boolean, after: string | undefined): Candidate[] {
    const candidates: Candidate[] = [];
    for (const task of this.tasks.values()) {
      const position = placeIn(order, task);
      if (position !== undefined) candidates.push({ position, read: () => shownTask(task) });
    }
    candidates.sort((a, b) => (a.position < b.position ? -1 : 1));
    if (newestFirst) candidates.reverse();
    if (after === undefined) return candidates;
    return candidates.filter(({ position }) => (newestFirst ? position < after : position > after));
  }

  #leave(task: MemoryTask): void {
    const { queue, run, facts } = task;
    queue.counts[task.lease === 0 ? run.state : "RUNNING"] -= 1;
    if (isEnded(run.state)) {
      for (const ended of queue.ended) ended.remove(timedPosition(run.endMs, facts.sequence));
      return;
    }
    queue.waitingBytes -= facts.spec.length;
    if (task.lease !== 0) task.lease = 0;
    else if (run.state === "PENDING") queue.ready.remove(readyPlace(task));
    else this.timers.remove(timedPosition(run.dueMs, facts.sequence));
  }

  #enter(task: MemoryTask): void {
    const { queue, run, facts } = task;
    const { state } = run;
    queue.counts[state] += 1;
    if (isEnded(state)) {
      const index = RETENTION_CLASSES.findIndex(({ states }) => states.includes(state));
      queue.ended[index]?.add({ position: timedPosition(run.endMs, facts.sequence), task });
      return;
    }
    queue.waitingBytes += facts.spec.length;
    if (state === "PENDING") queue.ready.add({ position: readyPlace(task), task });
    else this.timers.add({ position: timedPosition(run.dueMs, facts.sequence), task });
  }
}

/** Where a task is in dispatch order. */
export function readyPlace({ facts }: MemoryTask): string {
  return readyPosition(facts.priority, facts.startTag, facts.sequence);
}

/** A task as `get` and `list` show it. */
export function shownTask(task: MemoryTask): StoredTask {
  return storedTask(task.facts, task.run, task.lease);
}

/** Where a task is in an order; undefined when that order does not hold it. */
function placeIn(order: ListOrder, task: MemoryTask): string | undefined {
  const { facts, run } = task;
  switch (order.kind) {
    case "ended":
      return run.state === order.state && facts.queue === order.queue
        ? timedPosition(run.endMs, facts.sequence)
        : undefined;
    case "due":
      return run.state === "SCHEDULED" || run.state === "RETRYING"
        ? timedPosition(run.dueMs, facts.sequence)
        : undefined;
    case "ready":
      return run.state === "PENDING" && facts.queue === order.queue ? readyPlace(task) : undefined;
    case "running":
      return task.lease === 0 ? undefined : newTaskPosition(facts.id);
    case "id":
      return newTaskPosition(facts.id);
  }
}
