/**
 * The lmdb store answers every sequence of verbs as the memory store does, also when verbs overlap and the store is
 * reopened in between.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { makeLease } from "../../core/lease.ts";
import type { NewTask, TaskState, Transition } from "../../core/task.ts";
import { ERROR, NOW_MS, newTask, RESULT, type Restart, type TestStore, taskId } from "../conformance/fixture.ts";
import type { Finish, HeldClaim, ListQuery, QueueSettings, Store } from "../port.ts";
import { lmdbTestStore } from "../testing/lmdb-test-store.ts";
import { memoryTestStore } from "../testing/memory-test-store.ts";

/** More for a longer search: MODEL_RUNS=5000 npx vitest run src/store/lmdb/model.test.ts */
const RUNS = Number(process.env["MODEL_RUNS"] ?? 30);
const RUN_LIMIT_MS = 2_000_000;
const QUEUES = ["a", "b", "c"];
const IDS = 24;

/** What the model remembers of the leases it was given. */
interface Known {
  nowMs: number;
  epoch: number;
  nextLease: number;
  readonly held: HeldClaim[];
}

/** A verb with its arguments, told to both stores alike. */
type Verb = (store: Store, known: Readonly<Known>) => Promise<unknown>;

interface Step {
  readonly name: string;
  readonly verb: Verb;
}

const step = <T>(name: string, input: fc.Arbitrary<T>, verb: (input: T) => Verb): fc.Arbitrary<Step> =>
  input.map((value) => ({
    name,
    verb: verb(value),
    [fc.toStringMethod]: () => `${name}(${fc.stringify(value)})`,
  }));

const n = fc.nat({ max: IDS - 1 });
const someIds = fc.array(n.map(taskId), { maxLength: 4 });
const queue = fc.constantFrom(...QUEUES);
const delay = fc.nat({ max: 30 });

const task = fc.record({
  n,
  queue,
  priority: fc.constantFrom(0, 4, 9),
  delay: fc.oneof(fc.constant(0), delay),
  fairnessKey: fc.constantFrom("", "x", "ü"),
  fairnessWeight: fc.constantFrom(0.5, 1, 3),
  type: fc.constantFrom("parse", "load"),
  attributes: fc.constantFrom<Record<string, string>>({}, { tenant: "acme" }),
});

const transition = fc.oneof(
  fc.constant<Transition>({ to: "COMPLETED", result: RESULT }),
  fc.constant<Transition>({ to: "FAILED", error: ERROR }),
  fc.constant<Transition>({ to: "PENDING" }),
  fc.constant<Transition>({ to: "PENDING", error: ERROR }),
  fc.constant<Transition>({ to: "CANCELLED" }),
  delay.map((later): Transition => ({ to: "RETRYING", dueMs: NOW_MS + later, error: ERROR })),
);

const finish = fc.record({ pick: fc.nat(), transition, endMs: fc.nat({ max: 50 }) });
const states = fc.uniqueArray(
  fc.constantFrom<TaskState>("PENDING", "SCHEDULED", "RUNNING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"),
  { maxLength: 2 },
);
const listing = fc.record({
  filter: fc.record(
    { queue, states, type: fc.constant("parse"), untilMs: fc.constant(NOW_MS + 10) },
    { requiredKeys: [] },
  ),
  limit: fc.integer({ min: 1, max: 4 }),
  scanLimit: fc.integer({ min: 1, max: 8 }),
  newestFirst: fc.boolean(),
});
const settings: fc.Arbitrary<Partial<QueueSettings>> = fc.record(
  {
    paused: fc.boolean(),
    maxWaiting: fc.integer({ min: 0, max: 12 }),
    maxWaitingBytes: fc.integer({ min: 0, max: 200 }),
    retentionMs: fc.constantFrom(5, 1000),
    retentionCount: fc.nat({ max: 4 }),
    deadRetentionCount: fc.nat({ max: 2 }),
  },
  { requiredKeys: [] },
);

/** Verbs whose answers do not depend on what is durable yet: they may overlap. */
const overlapping = fc.oneof(
  { weight: 4, arbitrary: step("insert", fc.array(task, { maxLength: 5 }), (tasks) => insertVerb(tasks)) },
  { weight: 4, arbitrary: step("finish", fc.array(finish, { maxLength: 4 }), (picks) => finishVerb(picks)) },
  step("due", fc.integer({ min: 1, max: 4 }), (limit) => (store, known) => store.due(known.nowMs, limit)),
  step("cancel", someIds, (ids) => (store, known) => store.cancel(ids, known.nowMs)),
  step(
    "redrive",
    fc.tuple(someIds, delay),
    ([ids, later]) =>
      (store, known) =>
        store.redrive(ids, known.nowMs, (index) => known.nowMs + index * later),
  ),
  step("purge", someIds, (ids) => (store) => store.purge(ids)),
  step("expire", fc.integer({ min: 1, max: 4 }), (limit) => (store, known) => store.expire(known.nowMs, limit)),
  step(
    "configure",
    fc.tuple(queue, settings),
    ([name, change]) =>
      (store) =>
        store.configureQueue(name, change),
  ),
  step("list", listing, (query) => (store) => store.list(query)),
  step("get", n, (which) => (store) => store.get(taskId(which))),
);

type Move =
  | { readonly kind: "together"; readonly steps: readonly Step[]; readonly turns: boolean }
  | { readonly kind: "pages"; readonly query: Omit<ListQuery, "cursor"> }
  | { readonly kind: "claim"; readonly queue: string; readonly count: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "adopt"; readonly picks: readonly number[]; readonly attemptOff: number }
  | { readonly kind: "beginDispatch" }
  | { readonly kind: "reopen"; readonly how: Restart };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("together"),
      steps: fc.array(overlapping, { minLength: 1, maxLength: 4 }),
      turns: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("claim"), queue, count: fc.nat({ max: 6 }) }) },
  fc.record({ kind: fc.constant("pages"), query: listing }),
  fc.record({ kind: fc.constant("wait"), ms: fc.nat({ max: 15 }) }),
  fc.record({
    kind: fc.constant("adopt"),
    picks: fc.array(fc.nat(), { maxLength: 4 }),
    attemptOff: fc.constantFrom(0, 0, 0, 1),
  }),
  fc.record({ kind: fc.constant("beginDispatch") }),
  fc.record({ kind: fc.constant("reopen"), how: fc.constantFrom<Restart>("closed", "crashed") }),
);

function insertVerb(tasks: readonly { n: number; delay: number }[]): Verb {
  return (store, known) => {
    const changed = (change: Partial<NewTask> & { n: number; delay: number }): NewTask => {
      const { n: number, delay: later, ...rest } = change;
      return newTask(number, { ...rest, startAtMs: later === 0 ? 0 : known.nowMs + later });
    };
    return store.insert(tasks.map(changed), known.nowMs);
  };
}

function finishVerb(picks: readonly { pick: number; transition: Transition; endMs: number }[]): Verb {
  return (store, { held }) => {
    const finishes = picks.flatMap(({ pick, transition: to, endMs }): Finish[] => {
      const claim = held[pick % Math.max(1, held.length)];
      if (claim === undefined) return [];
      return [{ lease: claim.lease, transition: to, analyzerId: "a1", startMs: NOW_MS, endMs: NOW_MS + endMs }];
    });
    return store.finish(finishes);
  };
}

async function allPages(store: Store, query: Omit<ListQuery, "cursor">): Promise<unknown> {
  const pages: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined && pages.length < 4);
  return pages;
}

/** Starts all steps without waiting for answers. `turns`: each in a turn of its own, while commits of others run. */
async function overlap(steps: readonly Step[], turns: boolean, store: Store, known: Known): Promise<unknown[]> {
  const answers: Promise<unknown>[] = [];
  for (const { verb } of steps) {
    answers.push(verb(store, known));
    if (turns) await new Promise((resolve) => setImmediate(resolve));
  }
  return await Promise.all(answers);
}

/** Both stores, and what is known about them. */
class Pair {
  readonly known: Known = { nowMs: NOW_MS, epoch: 0, nextLease: 0, held: [] };
  #tests: readonly [TestStore, TestStore];

  /** `checkpointEntries`: few, so that tasks are in all stages between the log and the tables. */
  constructor(checkpointEntries: number) {
    this.#tests = [memoryTestStore(), lmdbTestStore({ checkpointEntries })];
  }

  async open(): Promise<void> {
    const start = await this.same((store) => store.open());
    this.known.epoch = start.epoch;
    this.known.nextLease = 0;
  }

  async run(next: Move): Promise<void> {
    const { known } = this;
    switch (next.kind) {
      case "together":
        await this.same((store) => overlap(next.steps, next.turns, store, known));
        break;
      case "pages":
        await this.same((store) => allPages(store, next.query));
        break;
      case "claim":
        await this.#claim(next.queue, next.count);
        break;
      case "wait":
        known.nowMs += next.ms;
        break;
      case "adopt":
        await this.#adopt(next.picks, next.attemptOff);
        break;
      case "beginDispatch":
        await this.same((store) => store.beginDispatch());
        break;
      case "reopen":
        await this.#reopen(next.how);
        break;
    }
    await this.same((store) => store.queues());
    await this.same(async (store) => QUEUES.map((name) => store.readyHint(name)));
  }

  async same<T>(ask: (store: Store) => Promise<T>): Promise<T> {
    const [memoryTest, lmdbTest] = this.#tests;
    const [memory, lmdb] = await Promise.all([ask(memoryTest.store), ask(lmdbTest.store)]);
    expect(lmdb).toEqual(memory);
    return memory;
  }

  async end(): Promise<void> {
    for (const { dispose } of this.#tests) await dispose();
  }

  async #claim(name: string, count: number): Promise<void> {
    const first = makeLease(this.known.epoch, this.known.nextLease);
    this.known.nextLease += count;
    const claimed = await this.same((store) => store.claim(name, first, count));
    for (const { lease, id, attempts } of claimed) this.known.held.push({ lease, taskId: id, attempt: attempts + 1 });
  }

  async #adopt(picks: readonly number[], attemptOff: number): Promise<void> {
    const { held } = this.known;
    const claims = picks.flatMap((pick): HeldClaim[] => {
      const claim = held[pick % Math.max(1, held.length)];
      return claim === undefined ? [] : [{ ...claim, attempt: claim.attempt + attemptOff }];
    });
    await this.same((store) => store.adopt(claims));
  }

  async #reopen(how: Restart): Promise<void> {
    // How far a queue was dispatched is recorded with its next change: make one, as memory cannot forget it.
    for (const name of QUEUES) await this.same((store) => store.configureQueue(name, {}));
    const [memory, lmdb] = this.#tests;
    this.#tests = [await memory.reopen(how), await lmdb.reopen(how)];
    await this.open();
  }
}

it("answers as the memory store does, whatever is asked", { timeout: RUN_LIMIT_MS }, async () => {
  const moves = fc.array(move, { minLength: 5, maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(moves, fc.constantFrom(1, 30, 10_000), async (sequence, checkpointEntries) => {
      const pair = new Pair(checkpointEntries);
      try {
        await pair.open();
        for (const next of sequence) await pair.run(next);
        await pair.same((store) => allPages(store, { filter: {}, limit: 100, scanLimit: 100, newestFirst: false }));
      } finally {
        await pair.end();
      }
    }),
    { numRuns: RUNS },
  );
});
