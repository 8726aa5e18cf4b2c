/**
 * What the conformance suite stands on: a store under test, short ways to say what a test needs, and after every test the
 * check that counts agree with tasks (S5).
 */
import { expect, onTestFinished } from "vitest";
import { makeLease } from "../../core/lease.ts";
import type { NewTask, TaskState, Transition } from "../../core/task.ts";
import type { ClaimedTask, FinishOutcome, InsertOutcome, Store, StoredTask, StoreStart, TaskFilter } from "../port.ts";
import { ERROR, NOW_MS, newTask, numberOf, QUEUE, RESULT, taskId } from "./tasks.ts";

export { ERROR, NOW_MS, newTask, numberOf, QUEUE, RESULT, taskId };

/** A store under test, not opened. */
export interface TestStore {
  readonly store: Store;
  /** A store on the same data, not opened, after this one was closed or its process crashed; this one is released. */
  readonly reopen: (how: Restart) => Promise<TestStore>;
  /** Closes the store if needed and removes the data. */
  readonly dispose: () => Promise<void>;
}

/** How a store stopped. */
export type Restart = "closed" | "crashed";
/** Makes an empty store. */
export type MakeStore = () => Promise<TestStore>;

const ENDED: readonly TaskState[] = ["COMPLETED", "FAILED", "CANCELLED"];

/** An open store with shortcuts. */
export class Fixture {
  #test: TestStore;
  #start: StoreStart;
  #leases = 0;

  constructor(test: TestStore, start: StoreStart) {
    this.#test = test;
    this.#start = start;
  }

  get store(): Store {
    return this.#test.store;
  }

  get start(): StoreStart {
    return this.#start;
  }

  /** Stops the store and opens it again. */
  async restart(how: Restart): Promise<void> {
    this.#test = await this.#test.reopen(how);
    this.#start = await this.store.open();
    this.#leases = 0;
  }

  insert(tasks: readonly NewTask[], nowMs = NOW_MS): Promise<InsertOutcome[]> {
    return this.store.insert(tasks, nowMs);
  }

  /** Inserts tasks by number with the same change for all. */
  async insertNumbers(numbers: readonly number[], change: Partial<NewTask> = {}): Promise<void> {
    const outcomes = await this.insert(numbers.map((n) => newTask(n, change)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(numbers.map(() => "accepted"));
  }

  async claim(count: number, queue = QUEUE): Promise<ClaimedTask[]> {
    const claimed = await this.store.claim(queue, this.lease(this.#leases), count);
    this.#leases += count;
    return claimed;
  }

  /** Claims, and says which. */
  async claimNumbers(count: number, queue = QUEUE): Promise<number[]> {
    return (await this.claim(count, queue)).map(numberOf);
  }

  /** Claims the next task alone. */
  async claimOne(queue = QUEUE): Promise<ClaimedTask> {
    const [task] = await this.claim(1, queue);
    if (task === undefined) throw new Error(`nothing to claim in ${queue}`);
    return task;
  }

  /** The n-th lease of this epoch. */
  lease(n: number): number {
    return makeLease(this.start.epoch, n);
  }

  finish(lease: number, transition: Transition, endMs = NOW_MS + 20): Promise<FinishOutcome[]> {
    return this.store.finish([{ lease, transition, analyzerId: "a1", startMs: NOW_MS + 10, endMs }]);
  }

  /** Claims the next task and ends it. */
  async runOne(transition: Transition, endMs = NOW_MS + 20): Promise<ClaimedTask> {
    const task = await this.claimOne();
    expect(await this.finish(task.lease, transition, endMs)).toEqual(["accepted"]);
    return task;
  }

  /** The n-th task, which must be there. */
  async task(n: number): Promise<StoredTask> {
    const task = await this.store.get(taskId(n));
    if (task === undefined) throw new Error(`task ${n} is not there`);
    return task;
  }

  async state(n: number): Promise<TaskState | undefined> {
    return (await this.store.get(taskId(n)))?.state;
  }

  /** Tasks by state in one queue. */
  async counts(queue = QUEUE): Promise<Record<string, number>> {
    const found = (await this.store.queues()).find(({ name }) => name === queue);
    return Object.fromEntries(Object.entries(found?.counts ?? {}).filter(([, count]) => count > 0));
  }

  /** Numbers of all tasks that a filter gives, from as many pages as it takes. */
  async listNumbers(filter: TaskFilter, options: ListOptions = {}): Promise<number[]> {
    return (await this.listAll(filter, options)).map(numberOf);
  }

  async listAll(filter: TaskFilter, { limit = 3, scanLimit = 100, newestFirst = false }: ListOptions = {}) {
    const tasks: StoredTask[] = [];
    let cursor: string | undefined;
    do {
      const query = { filter, limit, scanLimit, newestFirst, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.store.list(query);
      expect(page.tasks.length).toBeLessThanOrEqual(limit);
      tasks.push(...page.tasks);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return tasks;
  }

  /** Checks S5, then gives everything back. */
  async end(): Promise<void> {
    try {
      await this.#expectCountsAgree();
    } finally {
      await this.#test.dispose();
    }
  }

  async #expectCountsAgree(): Promise<void> {
    const byQueue = new Map<string, StoredTask[]>();
    for (const task of await this.listAll({}, { limit: 1000, scanLimit: 1000 })) {
      const tasks = byQueue.get(task.queue) ?? [];
      tasks.push(task);
      byQueue.set(task.queue, tasks);
    }
    for (const queue of await this.store.queues()) {
      const counted = Object.fromEntries(Object.keys(queue.counts).map((state) => [state, 0]));
      let waitingBytes = 0;
      for (const { state, spec } of byQueue.get(queue.name) ?? []) {
        counted[state] = (counted[state] ?? 0) + 1;
        if (!ENDED.includes(state)) waitingBytes += spec.length;
      }
      expect(queue).toMatchObject({ counts: counted, waitingBytes });
    }
  }
}

/** How to page. */
export interface ListOptions {
  readonly limit?: number;
  readonly scanLimit?: number;
  readonly newestFirst?: boolean;
}

/** Opens an empty store for one test. */
export async function openFixture(makeStore: MakeStore): Promise<Fixture> {
  const test = await makeStore();
  const fixture = new Fixture(test, await test.store.open());
  onTestFinished(() => fixture.end());
  return fixture;
}
