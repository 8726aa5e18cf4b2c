/**
 * Start tags of new tasks, with the finish tags of fairness keys on disk: a key with a backlog keeps its place over a
 * restart. In memory are only those used lately.
 *
 *  K1  A finish tag is recorded in the same commit as the task that moved it: `flush` runs when a commit is sealed.
 *  K2  A key that V has caught up with is as good as unknown; `sweep` forgets it.
 */
import { StartTags } from "../../core/fairness.ts";
import { MAX_FAIRNESS_KEYS, SHARED_FAIRNESS_KEY } from "../admission.ts";
import { fairKey, prefixRange, QUEUE_KEY_BYTES, queueNumberOf } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueTable } from "./queue-table.ts";
import { decodeNumber, encodeNumber } from "./records.ts";
import type { Table } from "./table.ts";

/** Keys of one queue and priority in memory; with more they are dropped and read again when needed. */
const MAX_CACHED_KEYS = 4096;

/** The keys of one queue and priority that are in memory. */
interface KeyCache {
  readonly queue: QueueState;
  readonly priority: number;
  readonly tags: StartTags;
  /** Keys whose finish tag has moved since it was recorded. */
  readonly moved: Set<string>;
}

/** Gives out start tags. */
export class FairnessTable {
  readonly #table: Table;
  readonly #queues: QueueTable;
  /** By queue, then priority. */
  readonly #caches = new Map<QueueState, Map<number, KeyCache>>();
  readonly #moved = new Set<KeyCache>();
  #sweptKey: string | undefined;

  constructor(table: Table, queues: QueueTable) {
    this.#table = table;
    this.#queues = queues;
  }

  /** The start tag of one more task. The queue changes with it. */
  startTag(queue: QueueState, priority: number, fairnessKey: string, weight: number): number {
    const cache = this.#cacheOf(queue, priority);
    const isKnown = this.#load(cache, fairnessKey);
    const isCrowded = !isKnown && (queue.fairnessKeys[priority] ?? 0) >= MAX_FAIRNESS_KEYS;
    const name = isCrowded ? SHARED_FAIRNESS_KEY : fairnessKey;
    if (!isKnown && !this.#load(cache, name)) this.#count(queue, priority, 1);
    cache.moved.add(name);
    this.#moved.add(cache);
    return cache.tags.start(name, weight);
  }

  /** Writes the finish tags that have moved. */
  flush(): void {
    for (const { queue, priority, tags, moved } of this.#moved) {
      for (const name of moved) {
        this.#table.put(fairKey(queue.number, priority, name), encodeNumber(tags.finishOf(name) ?? 0));
      }
      moved.clear();
    }
    this.#moved.clear();
  }

  /** Forgets up to `limit` keys that V has caught up with; goes on where the last call stopped. */
  sweep(limit: number): void {
    this.flush();
    const passed: string[] = [];
    let looked = 0;
    let last: string | undefined;
    for (const { key, value } of this.#table.range(prefixRange("", this.#sweptKey, false))) {
      if (looked >= limit) break;
      looked += 1;
      last = key;
      const queue = this.#queues.byNumber(queueNumberOf(key));
      const finish = decodeNumber(value, `a fairness key of queue ${queue.name}`);
      if (finish <= (queue.dispatchedTags[priorityOf(key)] ?? 0)) passed.push(key);
    }
    this.#sweptKey = looked < limit ? undefined : last;
    for (const key of passed) this.#forget(key);
  }

  #forget(key: string): void {
    const queue = this.#queues.byNumber(queueNumberOf(key));
    this.#table.remove(key);
    this.#caches.get(queue)?.delete(priorityOf(key));
    this.#count(queue, priorityOf(key), -1);
  }

  #count(queue: QueueState, priority: number, change: number): void {
    queue.fairnessKeys[priority] = (queue.fairnessKeys[priority] ?? 0) + change;
    this.#queues.changed(queue);
  }

  #cacheOf(queue: QueueState, priority: number): KeyCache {
    const ofQueue = this.#caches.get(queue) ?? new Map<number, KeyCache>();
    this.#caches.set(queue, ofQueue);
    let cache = ofQueue.get(priority);
    if (cache === undefined || cache.tags.size > MAX_CACHED_KEYS) {
      this.flush();
      cache = { queue, priority, tags: new StartTags(), moved: new Set() };
      ofQueue.set(priority, cache);
    }
    cache.tags.advance(queue.dispatchedTags[priority] ?? 0);
    return cache;
  }

  /** Makes sure that the finish tag of a key is in memory; says whether it has one. */
  #load({ queue, priority, tags }: KeyCache, name: string): boolean {
    if (tags.finishOf(name) !== undefined) return true;
    const record = this.#table.get(fairKey(queue.number, priority, name));
    if (record === undefined) return false;
    tags.restore(name, decodeNumber(record, `a fairness key of queue ${queue.name}`));
    return true;
  }
}

function priorityOf(key: string): number {
  return key.charCodeAt(QUEUE_KEY_BYTES);
}
