/**
 * Tells those who wait for the endings of tasks.
 *
 * Invariants:
 *  N1  Each wait is answered at most once per id, with the task as stored after its ending.
 *  N2  Nothing is kept for an id that nobody waits for.
 */
import { isEnded } from "../core/lifecycle.ts";
import type { StoredTask } from "../store/port.ts";
import type { NodeState } from "./node-state.ts";

/** Called with the ended task, or undefined for an unknown id. */
export type Ended = (id: string, task: StoredTask | undefined) => void;

/** Those who wait. */
export class Waiters {
  readonly #node: NodeState;
  readonly #waiting = new Map<string, Set<Ended>>();

  constructor(node: NodeState) {
    this.#node = node;
  }

  /** Ids somebody waits for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for the endings of tasks. Returns what ends the waiting. */
  wait(ids: readonly string[], ended: Ended): () => void {
    const wanted = new Set(ids);
    // Entered before it is looked up, so that no ending falls between.
    for (const id of wanted) this.#enter(id, ended);
    for (const id of wanted) {
      this.#node.after(this.#node.parts.store.get(id), (task) => {
        if (task === undefined || isEnded(task.state)) this.#answer(id, ended, task);
      });
    }
    return () => {
      for (const id of wanted) this.#leave(id, ended);
    };
  }

  /** A task has ended, durably. */
  ended(id: string): void {
    if (!this.#waiting.has(id)) return;
    this.#node.after(this.#node.parts.store.get(id), (task) => {
      // A redrive may have been faster: then it has not ended after all.
      if (task !== undefined && !isEnded(task.state)) return;
      for (const ended of [...(this.#waiting.get(id) ?? [])]) this.#answer(id, ended, task);
    });
  }

  #enter(id: string, ended: Ended): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#waiting.set(id, new Set([ended]));
    else waiting.add(ended);
  }

  #leave(id: string, ended: Ended): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || !waiting.delete(ended)) return false;
    if (waiting.size === 0) this.#waiting.delete(id);
    return true;
  }

  #answer(id: string, ended: Ended, task: StoredTask | undefined): void {
    if (this.#leave(id, ended)) ended(id, task);
  }
}
