/**
 * Tasks that were inserted lately and not claimed yet: when analyzers keep up with emitters, a claim reads nothing from
 * disk. Bounded by number and bytes; the oldest go first.
 */
import type { ReadTask } from "./task-records.ts";

const MAX_RECENT_TASKS = 4096;
const MAX_RECENT_BYTES = 16_777_216;
/** What stays of either bound when it is passed. */
const KEPT_PART = 0.5;

/** Inserted tasks by key. What is kept of a task never changes, so it cannot be out of date. */
export class RecentTasks {
  readonly #tasks = new Map<string, ReadTask>();
  #bytes = 0;

  /** Keeps a task. */
  add(task: ReadTask): void {
    const key = task.place.task;
    this.take(key);
    this.#tasks.set(key, task);
    this.#bytes += task.place.specBytes;
    if (this.#tasks.size > MAX_RECENT_TASKS || this.#bytes > MAX_RECENT_BYTES) this.#dropOldest();
  }

  /** Returns a task and lets go of it. */
  take(key: string): ReadTask | undefined {
    const task = this.#tasks.get(key);
    if (task === undefined) return undefined;
    this.#tasks.delete(key);
    this.#bytes -= task.place.specBytes;
    return task;
  }

  #dropOldest(): void {
    // Many at once: a map looks for its first entry behind all those that were deleted before it.
    for (const key of this.#tasks.keys()) {
      if (this.#tasks.size <= MAX_RECENT_TASKS * KEPT_PART && this.#bytes <= MAX_RECENT_BYTES * KEPT_PART) return;
      this.take(key);
    }
  }
}
