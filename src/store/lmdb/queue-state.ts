/**
 * One queue of the lmdb store: what is recorded of it, and what is kept in memory to serve it.
 */
import { MAX_PRIORITY } from "../../core/limits.ts";
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings, type StateCounts } from "../port.ts";
import { RETENTION_CLASSES } from "../retention.ts";
import { ReadyWindow } from "./ready-window.ts";
import { emptyCounts, type QueueRecord, type RecordedCounts } from "./records.ts";

const PRIORITIES = MAX_PRIORITY + 1;

/** A queue. Whoever changes what is recorded calls `QueueTable.changed`. */
export class QueueState {
  readonly number: number;
  readonly name: string;
  readonly counts: RecordedCounts;
  waitingBytes: number;
  readonly dispatchedTags: number[];
  readonly fairnessKeys: number[];
  /** Live claims. */
  running = 0;
  /** PENDING tasks that can be claimed now: durable, and no one has them. */
  claimable: number;
  readonly window: ReadyWindow;
  /** Per retention class: no task of it ended before this time. */
  readonly oldestEndMs: number[] = RETENTION_CLASSES.map(() => 0);
  #change: Partial<QueueSettings>;
  #settings: QueueSettings;

  constructor(number: number, record: QueueRecord) {
    this.number = number;
    this.name = record.name;
    this.counts = { ...record.counts };
    this.waitingBytes = record.waitingBytes;
    this.dispatchedTags = [...record.dispatchedTags];
    this.fairnessKeys = [...record.fairnessKeys];
    this.claimable = record.counts.PENDING;
    this.window = new ReadyWindow(record.counts.PENDING === 0);
    this.#change = record.settings;
    this.#settings = { ...DEFAULT_QUEUE_SETTINGS, ...record.settings };
  }

  get settings(): QueueSettings {
    return this.#settings;
  }

  /** Changes settings. */
  configure(change: Partial<QueueSettings>): void {
    this.#change = { ...this.#change, ...change };
    this.#settings = { ...this.#settings, ...change };
  }

  /** Tasks that have not ended. */
  get waiting(): number {
    return this.counts.PENDING + this.counts.SCHEDULED + this.counts.RETRYING;
  }

  /** Tasks by state, with the running ones apart from those that wait. */
  get stateCounts(): StateCounts {
    return { ...this.counts, PENDING: this.counts.PENDING - this.running, RUNNING: this.running };
  }

  /** A task was dispatched. The tag is recorded with the next change of the queue, as dispatch writes nothing. */
  dispatched(priority: number, startTag: number): void {
    this.dispatchedTags[priority] = Math.max(this.dispatchedTags[priority] ?? 0, startTag);
  }

  /** What to record. */
  get record(): QueueRecord {
    const { name, counts, waitingBytes, dispatchedTags, fairnessKeys } = this;
    return { name, counts, waitingBytes, dispatchedTags, fairnessKeys, settings: this.#change };
  }
}

/** The record of a queue that is being created. */
export function newQueueRecord(name: string): QueueRecord {
  const perPriority = Array.from({ length: PRIORITIES }, () => 0);
  return {
    name,
    counts: emptyCounts(),
    waitingBytes: 0,
    dispatchedTags: perPriority,
    fairnessKeys: perPriority,
    settings: {},
  };
}
