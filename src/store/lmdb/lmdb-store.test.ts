/**
 * The lmdb store conforms to the port, and goes on doing so with more tasks than it keeps in memory.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ERROR, NOW_MS, newTask, numberOf, openFixture, QUEUE, RESULT, taskId } from "../conformance/fixture.ts";
import { describeStore } from "../conformance.ts";
import type { Store } from "../port.ts";
import { lmdbTestStore } from "../testing/lmdb-test-store.ts";
import { memoryTestStore } from "../testing/memory-test-store.ts";
import { LmdbStore } from "./lmdb-store.ts";

describeStore("lmdb", async () => lmdbTestStore());

/** Several times what a window holds. */
const BACKLOG = 12_000;

it("dispatches a backlog longer than its windows in the order of the memory store", { timeout: 60_000 }, async () => {
  const [lmdb, memory] = [
    await openFixture(async () => lmdbTestStore()),
    await openFixture(async () => memoryTestStore()),
  ];
  const both = async <T>(ask: (store: Store) => Promise<T>): Promise<T> => {
    const answers = [await ask(lmdb.store), await ask(memory.store)] as const;
    expect(answers[0]).toEqual(answers[1]);
    return answers[1];
  };
  let lease = lmdb.lease(0);
  const claimed: number[] = [];
  const claim = async (count: number): Promise<void> => {
    const tasks = await both((store) => store.claim(QUEUE, lease, count));
    claimed.push(...tasks.map(({ lease: each }) => each));
    lease += count;
  };
  const end = (lease: number) => ({ lease, analyzerId: "a1", startMs: NOW_MS, endMs: NOW_MS + 1 });
  for (let n = 0; n < BACKLOG; n += 1000) {
    const tasks = Array.from({ length: 1000 }, (_, index) => {
      const k = n + index;
      return newTask(k, { priority: (k * 7) % 4, fairnessKey: `k${(k * k) % 11}`, fairnessWeight: 1 + (k % 3) });
    });
    await both((store) => store.insert(tasks, NOW_MS));
    await claim(300);
    const back = claimed
      .splice(0, 200)
      .map((each) => ({ ...end(each), transition: { to: "PENDING", error: ERROR } }) as const);
    await both((store) => store.finish(back));
    await both((store) => store.cancel([taskId(n), taskId(n + 500), taskId(n / 2)], NOW_MS));
    expect(lmdb.store.readyHint(QUEUE)).toBe(memory.store.readyHint(QUEUE));
  }
  while (lmdb.store.readyHint(QUEUE) > 0) await claim(1000);
  const rest = claimed.map((each) => ({ ...end(each), transition: { to: "COMPLETED", result: RESULT } }) as const);
  await both((store) => store.finish(rest));
  expect(new Set((await both((store) => store.queues())).map(({ counts }) => counts.PENDING + counts.RUNNING))).toEqual(
    new Set([0]),
  );
});

it("does not make a task claimable before its insert is durable", async () => {
  const fixture = await openFixture(async () => lmdbTestStore());
  await fixture.insertNumbers([1]);
  const insert = fixture.insert([newTask(2)]);
  expect(fixture.store.readyHint(QUEUE)).toBe(1);
  expect(await fixture.claimNumbers(9)).toEqual([1]);
  await insert;
  const returned = fixture.finish(fixture.lease(0), { to: "PENDING" });
  expect((await fixture.claim(1)).map(numberOf)).toEqual([2]);
  await returned;
  expect(await fixture.claimNumbers(9)).toEqual([1]);
});

it("does not make it claimable either when it looks for tasks on the disk", async () => {
  const fixture = await openFixture(async () => lmdbTestStore());
  await fixture.insertNumbers([1]);
  await fixture.restart("closed");
  const insert = fixture.insert([newTask(2)]);
  await new Promise((resolve) => setImmediate(resolve));
  const cancelled = fixture.insert([newTask(3), newTask(4)]);
  expect(await fixture.claimNumbers(9)).toEqual([1]);
  const cancel = fixture.store.cancel([taskId(3)], NOW_MS);
  await Promise.all([insert, cancelled, cancel]);
  expect(fixture.store.readyHint(QUEUE)).toBe(2);
  expect(await fixture.claimNumbers(9)).toEqual([2, 4]);
});

it("never makes a task claimable that was cancelled while its insert was being committed", async () => {
  const fixture = await openFixture(async () => lmdbTestStore());
  const insert = fixture.insert([newTask(1), newTask(2)]);
  await new Promise((resolve) => setImmediate(resolve));
  const cancel = fixture.store.cancel([taskId(1)], NOW_MS);
  await Promise.all([insert, cancel]);
  expect(fixture.store.readyHint(QUEUE)).toBe(1);
  expect(await fixture.claimNumbers(9)).toEqual([2]);
});

it("answers in the order of the calls, however many are made at once", async () => {
  const { store } = await openFixture(async () => lmdbTestStore());
  const answers = await Promise.all([
    store.insert([newTask(1)], NOW_MS),
    store.get(taskId(1)),
    store.cancel([taskId(1)], NOW_MS),
    store.insert([newTask(1)], NOW_MS),
    store.purge([taskId(1)]),
    store.get(taskId(1)),
    store.insert([newTask(1)], NOW_MS),
  ]);
  expect(answers.map((answer) => (Array.isArray(answer) ? answer[0] : answer?.state))).toEqual([
    { kind: "accepted" },
    "PENDING",
    { kind: "cancelled" },
    { kind: "exists", spec: newTask(1).spec },
    "done",
    undefined,
    { kind: "accepted" },
  ]);
});

it("takes a data directory with a dot in its name", async () => {
  const parent = mkdtempSync(join(tmpdir(), "sluice-lmdb-"));
  try {
    const store = new LmdbStore({ directory: join(parent, "data.v1") });
    await store.open();
    await store.close();
    expect(existsSync(join(parent, "data.v1", "data.mdb"))).toBe(true);
  } finally {
    rmSync(parent, { recursive: true });
  }
});
