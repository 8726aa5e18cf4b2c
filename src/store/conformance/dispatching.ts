/**
 * Conformance: the order of dispatch (S4), and who gets a task (S2).
 */
import { describe, expect, it } from "vitest";
import { DEFAULT_RETRY } from "../../core/limits.ts";
import { ERROR, type MakeStore, NOW_MS, newTask, openFixture, QUEUE, RESULT, taskId } from "./fixture.ts";

/** What a claim hands out. */
export function describeClaiming(makeStore: MakeStore): void {
  describe("claim", () => {
    it("hands out tasks under consecutive leases, with all that a delivery needs", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const claimed = await fixture.store.claim(QUEUE, fixture.lease(5), 10);
      expect(claimed).toEqual(
        [1, 2].map((n) => ({
          id: taskId(n),
          queue: QUEUE,
          type: "parse",
          lease: fixture.lease(4 + n),
          attempts: 0,
          timeoutMs: 30_000,
          retry: DEFAULT_RETRY,
          submittedMs: NOW_MS,
          spec: newTask(n).spec,
        })),
      );
      expect(await fixture.task(2)).toMatchObject({ state: "RUNNING", lease: fixture.lease(6) });
    });

    it("gives a task to one claim only, also when claims are made at the same time", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      const claims = await Promise.all([fixture.claimNumbers(2), fixture.claimNumbers(2), fixture.claimNumbers(2)]);
      expect(claims).toEqual([[1, 2], [3], []]);
    });

    it("gives nothing from an unknown or empty queue", async () => {
      const fixture = await openFixture(makeStore);
      expect(await fixture.claimNumbers(1, "nowhere")).toEqual([]);
      expect(fixture.store.readyHint("nowhere")).toBe(0);
      await fixture.store.configureQueue(QUEUE, {});
      expect(await fixture.claimNumbers(1)).toEqual([]);
    });

    it("hints exactly how many tasks can be claimed", async () => {
      const fixture = await openFixture(makeStore);
      const { store } = fixture;
      await fixture.insertNumbers([1, 2, 3, 4]);
      await fixture.insertNumbers([5], { startAtMs: NOW_MS + 1 });
      expect(store.readyHint(QUEUE)).toBe(4);
      const [first, second] = await fixture.claim(2);
      expect(store.readyHint(QUEUE)).toBe(2);
      await fixture.finish(first?.lease ?? 0, { to: "PENDING" });
      await fixture.finish(second?.lease ?? 0, { to: "COMPLETED", result: RESULT });
      expect(store.readyHint(QUEUE)).toBe(3);
      await store.cancel([taskId(3)], NOW_MS);
      expect(store.readyHint(QUEUE)).toBe(2);
      await store.due(NOW_MS + 1, 10);
      expect(store.readyHint(QUEUE)).toBe(3);
    });
  });
}

/** S4. */
export function describeOrder(makeStore: MakeStore): void {
  describe("order of dispatch", () => {
    it("is priority, then submission", async () => {
      const fixture = await openFixture(makeStore);
      for (const [n, priority] of [0, 9, 4, 9, 0, 4].entries()) await fixture.insertNumbers([n], { priority });
      expect(await fixture.claimNumbers(4)).toEqual([1, 3, 2, 5]);
      await fixture.insertNumbers([6], { priority: 5 });
      expect(await fixture.claimNumbers(9)).toEqual([6, 0, 4]);
    });

    it("is submission within one call", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([3, 1, 2]);
      expect(await fixture.claimNumbers(9)).toEqual([3, 1, 2]);
    });

    it("alternates between fairness keys, so that a late one need not wait for a backlog", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([0, 1, 2, 3, 4, 5], { fairnessKey: "big" });
      expect(await fixture.claimNumbers(2)).toEqual([0, 1]);
      await fixture.insertNumbers([10, 11], { fairnessKey: "small" });
      expect(await fixture.claimNumbers(9)).toEqual([10, 2, 11, 3, 4, 5]);
    });

    it("gives fairness keys turns in proportion to their weights", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([0, 1, 2], { fairnessKey: "one" });
      await fixture.insertNumbers([10, 11, 12, 13], { fairnessKey: "two", fairnessWeight: 2 });
      expect(await fixture.claimNumbers(9)).toEqual([0, 10, 11, 1, 12, 13, 2]);
    });

    it("keeps fairness keys of different priorities and queues apart", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([0, 1, 2], { fairnessKey: "k" });
      await fixture.insertNumbers([10, 11], { fairnessKey: "k", priority: 5 });
      await fixture.insertNumbers([20], { fairnessKey: "k", queue: "other" });
      expect(await fixture.claimNumbers(9)).toEqual([10, 11, 0, 1, 2]);
      expect(await fixture.claimNumbers(9, "other")).toEqual([20]);
    });
  });
}

/** S4 for tasks that return. */
export function describeReturning(makeStore: MakeStore): void {
  describe("a task that returns keeps its place", () => {
    it.each([
      ["released", { to: "PENDING" }],
      ["lost", { to: "PENDING", error: ERROR }],
    ] as const)("when %s", async (_, transition) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne(transition);
      expect(await fixture.claimNumbers(9)).toEqual([1, 2, 3]);
    });

    it("when retried after a backoff", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "RETRYING", dueMs: NOW_MS + 100, error: ERROR });
      expect(await fixture.claimNumbers(1)).toEqual([2]);
      await fixture.insertNumbers([4]);
      await fixture.store.due(NOW_MS + 100, 10);
      expect(await fixture.claimNumbers(9)).toEqual([1, 3, 4]);
    });

    it("when redriven", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "FAILED", error: ERROR });
      await fixture.store.cancel([taskId(2)], NOW_MS);
      await fixture.store.redrive([taskId(2), taskId(1)], NOW_MS, () => 0);
      expect(await fixture.claimNumbers(9)).toEqual([1, 2, 3]);
    });

    it("when delayed at the submit", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1], { startAtMs: NOW_MS + 50 });
      await fixture.insertNumbers([2, 3]);
      await fixture.store.due(NOW_MS + 50, 10);
      expect(await fixture.claimNumbers(9)).toEqual([1, 2, 3]);
    });

    it("after a crash, for everything that was claimed", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3, 4]);
      expect(await fixture.claimNumbers(3)).toEqual([1, 2, 3]);
      await fixture.restart("crashed");
      expect(await fixture.counts()).toEqual({ PENDING: 4 });
      expect(await fixture.claimNumbers(9)).toEqual([1, 2, 3, 4]);
    });
  });
}
