/**
 * The place of a task among those of other fairness keys, within one queue and priority: start-time fair queueing (Goyal,
 * Vin and Cheng, "Start-Time Fair Queueing", SIGCOMM 1996) with every task of length 1.
 *
 * A task gets a start tag when it is submitted and keeps it for life; tasks are dispatched in the order of their tags,
 * ties in the order of submission. So a key that submits 10 tasks after another has submitted 100,000 gets its turn at
 * once, and an emitter that names no key sees plain submission order.
 *
 * Invariants:
 *  F1  Within a key, tags never fall: submission order holds.
 *  F2  V is the largest tag dispatched so far. No tag is given that is smaller than V.
 *  F3  While two keys f and m both have tasks waiting, what they get differs by at most one task each, in proportion:
 *      |got_f / w_f - got_m / w_m| <= 1 / w_f + 1 / w_m (theorem 1 of the paper).
 *  F4  A key whose finish tag is at most V is as good as unknown, so only keys with a backlog cost memory.
 *
 * Tags only grow, as they are stored with the tasks. With doubles that is good for 2^53 tasks of weight 1; where a weight is
 * so large that its step is lost beside V, tags of the key are equal and its tasks fall back to submission order.
 */
import { type HeapNode, IndexedHeap } from "./heap.ts";
import { stepOf } from "./weight.ts";

interface Key extends HeapNode {
  readonly name: string;
  finish: number;
}

/** Gives out start tags for one queue and priority. */
export class StartTags {
  readonly #keys = new Map<string, Key>();
  /** The first to be caught up with by V on top. */
  readonly #byFinish = new IndexedHeap<Key>((a, b) => a.finish - b.finish);
  #now = 0;

  /** Keys that are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** Sets the finish tag of a key to what it was before a restart of the node. */
  restore(key: string, finish: number): void {
    const known = this.#keys.get(key);
    if (known === undefined) {
      const added: Key = { heapIndex: -1, name: key, finish };
      this.#keys.set(key, added);
      this.#byFinish.push(added);
    } else {
      known.finish = finish;
      this.#byFinish.update(known);
    }
  }

  /** The start tag of the next task of a key; weight greater than 0. */
  start(key: string, weight: number): number {
    const tag = Math.max(this.#now, this.finishOf(key) ?? 0);
    this.restore(key, tag + stepOf(weight));
    return tag;
  }

  /** Where the last task of a key ends; undefined for a key that is not remembered. */
  finishOf(key: string): number | undefined {
    return this.#keys.get(key)?.finish;
  }

  /** A task with this tag was dispatched. */
  advance(startTag: number): void {
    this.#now = Math.max(this.#now, startTag);
  }

  /** Drops the keys that V has caught up with, and returns them. O(log n) for each, and O(1) when there is none. */
  prune(): string[] {
    const dropped: string[] = [];
    for (let key = this.#byFinish.peek(); key !== undefined && key.finish <= this.#now; key = this.#byFinish.peek()) {
      this.#byFinish.remove(key);
      this.#keys.delete(key.name);
      dropped.push(key.name);
    }
    return dropped;
  }
}
