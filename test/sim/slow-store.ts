/**
 * The memory store with commits that take time and get lost in a crash.
 *
 * A mutating verb takes effect only when its commit is let through, in order; until then it is neither visible nor
 * answered. A crash cuts that queue anywhere: what is before the cut has become durable without an answer, the rest never
 * happened. Claims and reads are immediate, as in an embedded store.
 */
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/port.ts";
import type { Random } from "./random.ts";

const COMMITTING: ReadonlySet<PropertyKey> = new Set([
  "insert",
  "finish",
  "due",
  "cancel",
  "redrive",
  "purge",
  "expire",
  "configureQueue",
  "beginDispatch",
  "adopt",
]);

/** One start of a node on data that outlives it. */
export class SlowStore {
  readonly store: Store;
  readonly #memory: MemoryStore;
  #commits: ((isAnswered: boolean) => void)[] = [];
  #isDead = false;
  /** True: every commit goes through at once. */
  isPrompt = false;

  constructor(after?: SlowStore) {
    this.#memory = after === undefined ? new MemoryStore() : new MemoryStore(after.#memory);
    this.store = new Proxy<Store>(this.#memory, {
      get: (target, property) => {
        const verb: unknown = Reflect.get(target, property, target);
        if (typeof verb !== "function") return verb;
        return (...args: unknown[]) => this.#call(property, () => Reflect.apply(verb, target, args));
      },
    });
  }

  /** Commits that wait. */
  get pending(): number {
    return this.#commits.length;
  }

  /** Lets the first `count` commits through. */
  commit(count: number): void {
    for (const commit of this.#commits.splice(0, count)) commit(true);
  }

  /** The process dies: some commits have become durable, nothing is answered any more. */
  crash(random: Random): void {
    const durable = random.int(0, this.#commits.length);
    for (const commit of this.#commits.splice(0, durable)) commit(false);
    this.#commits = [];
    this.#isDead = true;
  }

  #call(property: PropertyKey, run: () => unknown): unknown {
    if (property === "readyHint" || property === "onWake") return this.#isDead ? 0 : run();
    if (this.#isDead) return new Promise(() => {});
    if (!COMMITTING.has(property) || this.isPrompt) return run();
    return new Promise((resolve) => {
      this.#commits.push((isAnswered) => {
        const answer = run();
        if (isAnswered) resolve(answer);
      });
    });
  }
}
