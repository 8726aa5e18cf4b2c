/**
 * Conformance: tasks that wait for a time, and tasks that somebody changes from outside (cancel, redrive, purge).
 */
import { describe, expect, it } from "vitest";
import { ERROR, type MakeStore, NOW_MS, newTask, openFixture, QUEUE, RESULT, taskId } from "./fixture.ts";

/** Timers. */
export function describeDue(makeStore: MakeStore): void {
  describe("due", () => {
    it("is never early: a delayed task is SCHEDULED until its time", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1], { startAtMs: NOW_MS + 100 });
      expect(await fixture.task(1)).toMatchObject({ state: "SCHEDULED", dueMs: NOW_MS + 100 });
      const early = await fixture.store.due(NOW_MS + 99, 10);
      expect(early).toEqual({ queues: [], moved: 0, nextDueMs: NOW_MS + 100 });
      expect(await fixture.claimNumbers(1)).toEqual([]);
      expect(await fixture.store.due(NOW_MS + 100, 10)).toEqual({ queues: [QUEUE], moved: 1, nextDueMs: undefined });
      expect(await fixture.task(1)).toMatchObject({ state: "PENDING", dueMs: 0 });
      expect(await fixture.claimNumbers(1)).toEqual([1]);
    });

    it("takes a start in the past as none", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1], { startAtMs: NOW_MS });
      expect(await fixture.state(1)).toBe("PENDING");
    });

    it("moves at most the limit, the earliest first, and says when to come again", async () => {
      const fixture = await openFixture(makeStore);
      for (const n of [3, 1, 2]) await fixture.insertNumbers([n], { startAtMs: NOW_MS + n, queue: `q${n}` });
      const first = await fixture.store.due(NOW_MS + 10, 2);
      expect(first).toEqual({ queues: ["q1", "q2"], moved: 2, nextDueMs: NOW_MS + 3 });
      expect(await fixture.store.due(NOW_MS + 10, 2)).toEqual({ queues: ["q3"], moved: 1, nextDueMs: undefined });
    });

    it("forgets the time of a task that was cancelled while it waited", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1], { startAtMs: NOW_MS + 5 });
      expect(await fixture.store.cancel([taskId(1)], NOW_MS)).toEqual([{ kind: "cancelled" }]);
      expect(await fixture.store.due(NOW_MS + 5, 10)).toEqual({ queues: [], moved: 0, nextDueMs: undefined });
      expect(await fixture.task(1)).toMatchObject({ state: "CANCELLED", dueMs: 0, endMs: NOW_MS });
    });
  });
}

/** Cancel. */
export function describeCancel(makeStore: MakeStore): void {
  describe("cancel", () => {
    it("ends waiting tasks, asks for running ones, and refuses the rest", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "COMPLETED", result: RESULT });
      const { lease } = await fixture.claimOne();
      const ids = [1, 2, 3, 4].map(taskId);
      expect(await fixture.store.cancel([...ids, "no-id"], NOW_MS + 1)).toEqual([
        { kind: "ended" },
        { kind: "running", lease },
        { kind: "cancelled" },
        { kind: "unknown" },
        { kind: "unknown" },
      ]);
      expect(await fixture.counts()).toEqual({ COMPLETED: 1, RUNNING: 1, CANCELLED: 1 });
      expect(await fixture.claimNumbers(9)).toEqual([]);
    });

    it.each([
      ["released", { to: "PENDING" }, 0],
      ["lost", { to: "PENDING", error: ERROR }, 1],
      ["to be retried", { to: "RETRYING", dueMs: NOW_MS + 9, error: ERROR }, 1],
    ] as const)("ends a running task that is %s after the wish", async (_, transition, attempts) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      const { lease } = await fixture.claimOne();
      await fixture.store.cancel([taskId(1)], NOW_MS);
      expect(await fixture.finish(lease, transition)).toEqual(["accepted"]);
      const expected = { state: "CANCELLED", attempts, endMs: NOW_MS + 20, analyzerId: "a1", dueMs: 0 };
      expect(await fixture.task(1)).toMatchObject(expected);
      expect(await fixture.store.due(NOW_MS + 100, 10)).toMatchObject({ moved: 0 });
    });

    it("leaves an ending alone that says otherwise", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const leases = (await fixture.claim(2)).map(({ lease }) => lease);
      await fixture.store.cancel([taskId(1), taskId(2)], NOW_MS);
      await fixture.finish(leases[0] ?? 0, { to: "COMPLETED", result: RESULT });
      await fixture.finish(leases[1] ?? 0, { to: "FAILED", error: ERROR });
      expect(await fixture.counts()).toEqual({ COMPLETED: 1, FAILED: 1 });
    });

    it.each(["closed", "crashed"] as const)("keeps the wish when the node is %s", async (how) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const { lease } = await fixture.claimOne();
      await fixture.store.cancel([taskId(1)], NOW_MS + 7);
      await fixture.restart(how);
      expect(await fixture.task(1)).toMatchObject({ state: "CANCELLED", endMs: NOW_MS + 7, attempts: 0 });
      expect(await fixture.store.adopt([{ lease, taskId: taskId(1), attempt: 1 }])).toEqual([{ kind: "lost" }]);
      expect(await fixture.claimNumbers(9)).toEqual([2]);
    });
  });
}

/** Redrive and purge. */
export function describeOperations(makeStore: MakeStore): void {
  describe("redrive", () => {
    it("returns dead letters and cancelled tasks with fresh attempts and their history", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "FAILED", error: ERROR });
      await fixture.runOne({ to: "COMPLETED", result: RESULT });
      const { history } = await fixture.task(1);
      const ids = [1, 2, 3, 4].map(taskId);
      const outcomes = await fixture.store.redrive(ids, NOW_MS, () => 0);
      expect(outcomes).toEqual(["done", "refused", "refused", "unknown"]);
      const expected = { state: "PENDING", attempts: 0, history, startMs: 0, endMs: 0, analyzerId: "" };
      expect(await fixture.task(1)).toMatchObject(expected);
      expect(await fixture.counts()).toEqual({ PENDING: 2, COMPLETED: 1 });
    });

    it("spreads tasks over time", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      await fixture.store.cancel([taskId(1), taskId(2)], NOW_MS);
      await fixture.store.redrive([taskId(2), taskId(1)], NOW_MS, (index) => NOW_MS + index * 10);
      expect(await fixture.state(2)).toBe("PENDING");
      expect(await fixture.task(1)).toMatchObject({ state: "SCHEDULED", dueMs: NOW_MS + 10 });
    });
  });

  describe("purge", () => {
    it("deletes ended tasks only, after which the id is free", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      await fixture.store.cancel([taskId(1)], NOW_MS);
      const outcomes = await fixture.store.purge([taskId(1), taskId(2), taskId(3), taskId(1)]);
      expect(outcomes).toEqual(["done", "refused", "unknown", "unknown"]);
      expect(await fixture.store.get(taskId(1))).toBeUndefined();
      expect(await fixture.insert([newTask(1)])).toEqual([{ kind: "accepted" }]);
      expect(await fixture.claimNumbers(9)).toEqual([2, 1]);
    });
  });
}
