/**
 * Start tags of new tasks, with the finish tags of fairness keys on disk: a key with a backlog keeps its place over a
 * restart. In memory are only those used lately.
 *
 *  K1  A finish tag is recorded in the same commit as the task that moved it.
 *  K2  A key that V has caught up with is as good as unknown; `sweep` forgets it.
 */
import { StartTags } from "../../core/fairness.ts";
import { MAX_FAIRNESS_KEYS, SHARED_FAIRNESS_KEY } from "../admission.ts";
import { fairKey, prefixRange, QUEUE_KEY_BYTES, queueKey, queueNumberOf } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueTable } from "./queue-table.ts";
import { decodeNumber, encodeNumber } from "./records.ts";
import type { Table } from "./table.ts";

/** Keys of one queue and priority in memory; with more they are dropped and read again when needed. */
const MAX_CACHED_KEYS = 4096;

/** Gives out start tags. */
export class FairnessTable {
  readonly #table: Table;
  readonly #queues: QueueTable;
  /** By queue and priority: the start of their keys. */
  readonly #cache = new Map<string, StartTags>();
  #sweptKey: string | undefined;

  constructor(table: Table, queues: QueueTable) {
    this.#table = table;
    this.#queues = queues;
  }

  /** The start tag of one more task. The queue changes with it. */
  startTag(queue: QueueState, priority: number, fairnessKey: string, weight: number): number {
    const tags = this.#tagsOf(queue, priority);
    const isKnown = this.#load(tags, queue, priority, fairnessKey);
    const isCrowded = !isKnown && (queue.fairnessKeys[priority] ?? 0) >= MAX_FAIRNESS_KEYS;
    const name = isCrowded ? SHARED_FAIRNESS_KEY : fairnessKey;
    if (!isKnown && !this.#load(tags, queue, priority, name)) this.#count(queue, priority, 1);
    const tag = tags.start(name, weight);
    this.#table.put(fairKey(queue.number, priority, name), encodeNumber(tags.finishOf(name) ?? tag));
    return tag;
  }

  /** Forgets up to `limit` keys that V has caught up with; goes on where the last call stopped. */
  sweep(limit: number): void {
    const range = prefixRange("", this.#sweptKey, false);
    const passed: string[] = [];
    let looked = 0;
    this.#sweptKey = undefined;
    for (const { key, value } of this.#table.range(range)) {
      if (looked >= limit) break;
      looked += 1;
      this.#sweptKey = key;
      const queue = this.#queues.byNumber(queueNumberOf(key));
      const finish = decodeNumber(value, `a fairness key of queue ${queue.name}`);
      if (finish <= (queue.dispatchedTags[priorityOf(key)] ?? 0)) passed.push(key);
    }
    if (looked < limit) this.#sweptKey = undefined;
    for (const key of passed) this.#forget(key);
  }

  #forget(key: string): void {
    this.#table.remove(key);
    this.#cache.delete(key.slice(0, QUEUE_KEY_BYTES + 1));
    this.#count(this.#queues.byNumber(queueNumberOf(key)), priorityOf(key), -1);
  }

  #count(queue: QueueState, priority: number, change: number): void {
    queue.fairnessKeys[priority] = (queue.fairnessKeys[priority] ?? 0) + change;
    this.#queues.changed(queue);
  }

  #tagsOf(queue: QueueState, priority: number): StartTags {
    const cacheKey = queueKey(queue.number) + String.fromCharCode(priority);
    const cached = this.#cache.get(cacheKey);
    const tags = cached === undefined || cached.size > MAX_CACHED_KEYS ? new StartTags() : cached;
    if (tags !== cached) this.#cache.set(cacheKey, tags);
    tags.advance(queue.dispatchedTags[priority] ?? 0);
    return tags;
  }

  /** Makes sure that the finish tag of a key is in memory; says whether it has one. */
  #load(tags: StartTags, queue: QueueState, priority: number, name: string): boolean {
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
