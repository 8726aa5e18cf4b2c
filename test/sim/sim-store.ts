/**
 * The memory store with the habits of a disk: commits take time and take effect in order, a crash cuts them off anywhere,
 * claims may take time or come short, and the disk may fail.
 *
 * A mutating verb takes effect only when its commit is let through; until then it is neither visible nor answered. When
 * the process ends, some of what waits has become durable without an answer, the rest never happened (S1). After a failed
 * commit nothing of it is visible, then or later, and every further call is refused (S6). Reads are immediate.
 *
 * It tells the ledger of everything at the moment at which it takes effect.
 */
import type { NewTask } from "../../src/core/task.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import {
  type AdoptOutcome,
  type CancelOutcome,
  type ClaimedTask,
  type DueOutcome,
  type Finish,
  type FinishOutcome,
  type HeldClaim,
  type InsertOutcome,
  type ListPage,
  type ListQuery,
  type OperationOutcome,
  type QueueSettings,
  type QueueSnapshot,
  type Store,
  type StoredTask,
  StoreFailedError,
  type StoreStart,
} from "../../src/store/port.ts";
import type { Ledger } from "./ledger.ts";
import type { Life } from "./life.ts";
import type { Random } from "./random.ts";
import type { Checks } from "./violation.ts";

/** Something that waits for the disk. */
interface Waiting {
  readonly verb: keyof Store;
  readonly through: (isAnswered: boolean) => void;
  readonly fail: (error: Error) => void;
}

/** How claims behave. */
export interface ClaimHabits {
  /** They take time, like commits. */
  readonly takeTime: boolean;
  /** Probability that another node was faster. */
  readonly fallShort: number;
}

/** What a store is made of. */
export interface SimStoreParts {
  readonly life: Life;
  readonly ledger: Ledger;
  readonly checks: Checks;
  readonly random: Random;
  readonly claims: ClaimHabits;
  /** The one before the restart. */
  readonly after: SimStore | undefined;
}

/** One start of a node on data that outlives it. */
export class SimStore implements Store {
  readonly kind = "memory";
  readonly #parts: SimStoreParts;
  readonly #disk: MemoryStore;
  #commits: Waiting[] = [];
  #claims: Waiting[] = [];
  readonly #reserved = new Map<string, number>();
  #isFailed = false;
  /** True: everything goes through at once, and claims are exact. */
  isPrompt = false;

  constructor(parts: SimStoreParts) {
    this.#parts = parts;
    this.#disk = parts.after === undefined ? new MemoryStore() : new MemoryStore(parts.after.#disk);
  }

  /** Commits that wait. */
  get pendingCommits(): number {
    return this.#commits.length;
  }

  /** Claims that wait. */
  get pendingClaims(): number {
    return this.#claims.length;
  }

  get claimsTakeTime(): boolean {
    return this.#parts.claims.takeTime;
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** Lets the first `count` commits through. */
  commit(count: number): void {
    for (const { through } of this.#commits.splice(0, count)) through(true);
  }

  /** Lets a claim through, whichever. */
  claimOne(index: number): void {
    for (const { through } of this.#claims.splice(index, 1)) through(true);
  }

  /** The disk fails: what waits is refused, and all that comes. */
  fail(): void {
    this.#isFailed = true;
    const error = new StoreFailedError("the simulated disk has failed");
    for (const { fail } of [...this.#commits.splice(0), ...this.#claims.splice(0)]) fail(error);
  }

  /** After the end of the process: some commits have become durable, nothing is answered any more. */
  crash(): void {
    const durable = this.#parts.random.int(0, this.#commits.length);
    for (const { through } of this.#commits.splice(0, durable)) through(false);
    this.#commits = [];
    this.#claims = [];
  }

  async open(): Promise<StoreStart> {
    const start = await this.#disk.open();
    this.#parts.ledger.opened(start);
    return start;
  }

  nextEpoch(): Promise<number> {
    return this.#read(() => this.#disk.nextEpoch());
  }

  beginDispatch(): Promise<void> {
    return this.#commit("beginDispatch", async () => {
      await this.#disk.beginDispatch();
      this.#parts.ledger.begun();
    });
  }

  insert(tasks: readonly NewTask[], nowMs: number): Promise<InsertOutcome[]> {
    return this.#commit("insert", async () => {
      const outcomes = await this.#disk.insert(tasks, nowMs);
      this.#parts.ledger.inserted(tasks, outcomes, nowMs);
      return outcomes;
    });
  }

  readyHint(queue: string): number {
    return Math.max(0, this.#disk.readyHint(queue) - (this.#reserved.get(queue) ?? 0));
  }

  claim(queue: string, firstLease: number, count: number): Promise<ClaimedTask[]> {
    const { ledger, claims, random, life } = this.#parts;
    if (!life.isOver) ledger.claiming(queue);
    const isShort = !this.isPrompt && random.chance(claims.fallShort);
    const run = async () => {
      const tasks = await this.#disk.claim(queue, firstLease, isShort ? random.int(0, count) : count);
      ledger.claimed(queue, firstLease, count, tasks);
      return tasks;
    };
    if (this.isPrompt || !claims.takeTime) return this.#now(run);
    this.#reserve(queue, count);
    return this.#enter(this.#claims, "claim", () => {
      this.#reserve(queue, -count);
      return run();
    });
  }

  adopt(held: readonly HeldClaim[]): Promise<AdoptOutcome[]> {
    return this.#commit("adopt", async () => {
      const outcomes = await this.#disk.adopt(held);
      this.#parts.ledger.adopted(held, outcomes);
      return outcomes;
    });
  }

  finish(finishes: readonly Finish[]): Promise<FinishOutcome[]> {
    if (!this.#parts.life.isOver) this.#parts.ledger.finishing(finishes);
    return this.#commit("finish", async () => {
      const outcomes = await this.#disk.finish(finishes);
      this.#parts.ledger.finished(finishes, outcomes);
      return outcomes;
    });
  }

  due(nowMs: number, limit: number): Promise<DueOutcome> {
    return this.#commit("due", async () => {
      const outcome = await this.#disk.due(nowMs, limit);
      this.#parts.ledger.moved(outcome, nowMs);
      return outcome;
    });
  }

  get(id: string): Promise<StoredTask | undefined> {
    return this.#read(() => this.#disk.get(id));
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#read(() => this.#disk.list(query));
  }

  cancel(ids: readonly string[], nowMs: number): Promise<CancelOutcome[]> {
    return this.#commit("cancel", async () => {
      const outcomes = await this.#disk.cancel(ids, nowMs);
      this.#parts.ledger.cancelled(ids, outcomes);
      return outcomes;
    });
  }

  redrive(ids: readonly string[], nowMs: number, dueMs: (index: number) => number): Promise<OperationOutcome[]> {
    return this.#commit("redrive", async () => {
      const outcomes = await this.#disk.redrive(ids, nowMs, dueMs);
      const dues = ids.map((_, index) => dueMs(index));
      this.#parts.ledger.redriven(ids, outcomes, dues, nowMs);
      return outcomes;
    });
  }

  purge(ids: readonly string[]): Promise<OperationOutcome[]> {
    return this.#commit("purge", async () => {
      const outcomes = await this.#disk.purge(ids);
      this.#parts.ledger.purged(ids, outcomes);
      return outcomes;
    });
  }

  expire(nowMs: number, limit: number): Promise<number> {
    return this.#commit("expire", async () => {
      const count = await this.#disk.expire(nowMs, limit);
      this.#parts.ledger.expired(count);
      return count;
    });
  }

  queues(): Promise<QueueSnapshot[]> {
    return this.#read(() => this.#disk.queues());
  }

  configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueSettings | undefined> {
    return this.#commit("configureQueue", () => this.#disk.configureQueue(name, change));
  }

  onWake(): void {
    // One node: nothing becomes ready but by its own calls.
  }

  async close(): Promise<void> {
    if (!this.#parts.life.effect()) return never();
    // Sweeps and operations may be under way; a store finishes them. Submits and ends of leases the drain awaits (G2).
    for (const { verb } of [...this.#commits, ...this.#claims]) {
      const isAwaited = verb !== "insert" && verb !== "finish" && verb !== "claim";
      this.#parts.checks.that("drained", isAwaited, () => `the store is closed with a commit under way: ${verb}`);
    }
    this.commit(this.#commits.length);
    await this.#disk.close();
    this.#parts.ledger.closed();
  }

  #reserve(queue: string, count: number): void {
    this.#reserved.set(queue, (this.#reserved.get(queue) ?? 0) + count);
  }

  #read<T>(run: () => Promise<T>): Promise<T> {
    if (this.#parts.life.isOver) return never();
    return this.#isFailed ? Promise.reject(new StoreFailedError("the simulated disk has failed")) : run();
  }

  #commit<T>(verb: keyof Store, run: () => Promise<T>): Promise<T> {
    return this.isPrompt ? this.#now(run) : this.#enter(this.#commits, verb, run);
  }

  #now<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#parts.life.effect()) return never();
    return this.#isFailed ? Promise.reject(new StoreFailedError("the simulated disk has failed")) : this.#answer(run());
  }

  #enter<T>(list: Waiting[], verb: keyof Store, run: () => Promise<T>): Promise<T> {
    if (!this.#parts.life.effect()) return never();
    if (this.#isFailed) return Promise.reject(new StoreFailedError("the simulated disk has failed"));
    return new Promise((resolve, reject) => {
      const through = (isAnswered: boolean) => {
        const answer = run();
        if (isAnswered) this.#answer(answer).then(resolve, reject);
      };
      list.push({ verb, through, fail: reject });
    });
  }

  /** An answer gets into the process unless that has ended. */
  #answer<T>(answer: Promise<T>): Promise<T> {
    return answer.then((value) => (this.#parts.life.effect() ? value : never<T>()));
  }
}

/** The answer to a process that does not exist any more. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}
