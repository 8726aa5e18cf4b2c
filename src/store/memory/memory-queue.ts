/**
 * What the memory store keeps per queue.
 */
import { StartTags } from "../../core/fairness.ts";
import type { TaskState } from "../../core/task.ts";
import { MAX_FAIRNESS_KEYS, SHARED_FAIRNESS_KEY } from "../admission.ts";
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings, type StateCounts } from "../port.ts";
import type { Run, TaskFacts } from "../record.ts";
import { RETENTION_CLASSES } from "../retention.ts";
import { SortedList } from "../sorted-list.ts";

/** A task in memory. */
export interface MemoryTask {
  readonly facts: TaskFacts;
  readonly queue: MemoryQueue;
  run: Run;
  /** When a cancel was asked for while it ran. */
  cancelWishMs: number | undefined;
  /** Lease of the live claim; 0 = none. */
  lease: number;
}

/** A task at a place of an ordered list. */
export interface MemoryEntry {
  readonly position: string;
  readonly task: MemoryTask;
}

/** A queue in memory. */
export class MemoryQueue {
  readonly name: string;
  settings: QueueSettings = DEFAULT_QUEUE_SETTINGS;
  readonly counts: Record<TaskState, number> = {
    PENDING: 0,
    SCHEDULED: 0,
    RUNNING: 0,
    RETRYING: 0,
    COMPLETED: 0,
    FAILED: 0,
    CANCELLED: 0,
  };
  waitingBytes = 0;
  /** PENDING tasks that nobody has claimed, in dispatch order. */
  readonly ready = new SortedList<MemoryEntry>();
  /** Ended tasks by end time, one list per retention class. */
  readonly ended = RETENTION_CLASSES.map(() => new SortedList<MemoryEntry>());
  readonly #tags = new Map<number, StartTags>();

  constructor(name: string) {
    this.name = name;
  }

  /** Tasks that have not ended. */
  get waiting(): number {
    const { PENDING, SCHEDULED, RUNNING, RETRYING }: StateCounts = this.counts;
    return PENDING + SCHEDULED + RUNNING + RETRYING;
  }

  /** The place among other fairness keys for one more task. */
  startTag(priority: number, key: string, weight: number): number {
    const tags = this.#tagsOf(priority);
    tags.prune();
    const crowded = tags.finishOf(key) === undefined && tags.size >= MAX_FAIRNESS_KEYS;
    return tags.start(crowded ? SHARED_FAIRNESS_KEY : key, weight);
  }

  /** A task was dispatched. */
  dispatched(facts: TaskFacts): void {
    this.#tagsOf(facts.priority).advance(facts.startTag);
  }

  #tagsOf(priority: number): StartTags {
    const known = this.#tags.get(priority);
    if (known !== undefined) return known;
    const tags = new StartTags();
    this.#tags.set(priority, tags);
    return tags;
  }
}
