/**
 * Conformance: what is kept over restarts, who may go on with leases from before, and for how long ended tasks stay.
 */
import { describe, expect, it } from "vitest";
import { makeLease } from "../../core/lease.ts";
import type { HeldClaim } from "../port.ts";
import { ERROR, type MakeStore, NOW_MS, openFixture, QUEUE, RESULT, taskId } from "./fixture.ts";

/** Epochs and restarts. */
export function describeRestarts(makeStore: MakeStore): void {
  describe("open", () => {
    it("holds no leases at the first start and after a close, and may hold some after a crash", async () => {
      const fixture = await openFixture(makeStore);
      expect(fixture.start).toEqual({ epoch: 1, leasesMayBeHeld: false });
      await fixture.restart("closed");
      expect(fixture.start).toEqual({ epoch: 2, leasesMayBeHeld: false });
      await fixture.restart("crashed");
      expect(fixture.start).toEqual({ epoch: 3, leasesMayBeHeld: true });
      await fixture.restart("crashed");
      expect(fixture.start).toEqual({ epoch: 4, leasesMayBeHeld: true });
    });

    it("treats a close with live claims as a crash", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.claimOne();
      await fixture.restart("closed");
      expect(fixture.start.leasesMayBeHeld).toBe(true);
    });

    it("never repeats an epoch that was reserved", async () => {
      const fixture = await openFixture(makeStore);
      expect(await fixture.store.nextEpoch()).toBe(2);
      expect(await fixture.store.nextEpoch()).toBe(3);
      await fixture.restart("crashed");
      expect(fixture.start.epoch).toBe(4);
    });

    it.each(["closed", "crashed"] as const)("finds everything again when %s", async (how) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3, 4], { attributes: { a: "b" }, fairnessKey: "k", fairnessWeight: 0.5 });
      await fixture.insertNumbers([5], { startAtMs: NOW_MS + 5, queue: "other" });
      await fixture.runOne({ to: "COMPLETED", result: RESULT });
      await fixture.runOne({ to: "FAILED", error: ERROR });
      await fixture.runOne({ to: "RETRYING", dueMs: NOW_MS + 50, error: ERROR });
      await fixture.store.configureQueue(QUEUE, { paused: true, maxLag: 7 });
      const [tasks, queues] = [await fixture.listAll({}), await fixture.store.queues()];
      await fixture.restart(how);
      expect(await fixture.listAll({})).toEqual(tasks);
      expect(await fixture.store.queues()).toEqual(queues);
      await fixture.insertNumbers([6], { fairnessKey: "k" });
      expect(await fixture.claimNumbers(9)).toEqual([4, 6]);
      expect(await fixture.store.due(NOW_MS + 50, 9)).toMatchObject({ moved: 2, queues: ["other", QUEUE] });
    });

    it.each(["closed", "crashed"] as const)("goes on with fairness where it was when %s", async (how) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([0, 1, 2, 3, 4, 5], { fairnessKey: "big" });
      for (let count = 0; count < 3; count++) await fixture.runOne({ to: "COMPLETED", result: RESULT });
      await fixture.restart(how);
      await fixture.insertNumbers([10, 11], { fairnessKey: "small" });
      await fixture.insertNumbers([6], { fairnessKey: "big" });
      expect(await fixture.claimNumbers(9)).toEqual([10, 3, 11, 4, 5, 6]);
    });

    it("answers nothing before open and after close", async () => {
      const test = await makeStore();
      await expect(test.store.queues()).rejects.toThrow("not open");
      await test.store.open();
      await test.store.close();
      await test.store.close();
      await expect(test.store.queues()).rejects.toThrow("not open");
      await test.dispose();
    });
  });
}

function held(n: number, lease: number, attempt = 1): HeldClaim {
  return { lease, taskId: taskId(n), attempt };
}

/** Held leases. */
export function describeAdopt(makeStore: MakeStore): void {
  describe("adopt", () => {
    it("takes back leases from before a crash, under which the tasks can be finished", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "PENDING", error: ERROR });
      const [first, second] = await fixture.claim(2);
      const leases = [first?.lease ?? 0, second?.lease ?? 0] as const;
      await fixture.restart("crashed");
      const outcomes = await fixture.store.adopt([held(2, leases[1]), held(1, leases[0], 2)]);
      expect(outcomes).toMatchObject([
        { kind: "adopted", task: { id: taskId(2), lease: leases[1], attempts: 0 } },
        { kind: "adopted", task: { id: taskId(1), lease: leases[0], attempts: 1 } },
      ]);
      expect(await fixture.counts()).toEqual({ RUNNING: 2, PENDING: 1 });
      expect(fixture.store.readyHint(QUEUE)).toBe(1);
      expect(await fixture.claimNumbers(9)).toEqual([3]);
      expect(await fixture.finish(leases[0], { to: "COMPLETED", result: RESULT })).toEqual(["accepted"]);
    });

    it("tells an analyzer that its result is recorded", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const completed = await fixture.runOne({ to: "COMPLETED", result: RESULT });
      const failed = await fixture.runOne({ to: "FAILED", error: ERROR });
      await fixture.restart("crashed");
      const outcomes = await fixture.store.adopt([
        held(1, completed.lease),
        held(2, failed.lease),
        held(2, completed.lease),
      ]);
      expect(outcomes).toEqual([{ kind: "recorded" }, { kind: "recorded" }, { kind: "lost" }]);
    });

    it("gives one task to one lease, and one lease to one task", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const [first, second] = (await fixture.claim(2)).map(({ lease }) => lease);
      await fixture.restart("crashed");
      const claims = [held(1, first ?? 0), held(1, second ?? 0), held(2, first ?? 0)];
      const kinds = (await fixture.store.adopt(claims)).map(({ kind }) => kind);
      expect(kinds).toEqual(["adopted", "lost", "lost"]);
    });
  });
  describeLost(makeStore);
}

function describeLost(makeStore: MakeStore): void {
  describe("adopt of what is not held any more", () => {
    it("is lost for a task that is unknown, waiting, given to somebody else, or of another attempt", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      const leases = (await fixture.claim(3)).map(({ lease }) => lease);
      await fixture.finish(leases[1] ?? 0, { to: "RETRYING", dueMs: NOW_MS + 9, error: ERROR });
      await fixture.restart("crashed");
      expect(await fixture.claimNumbers(1)).toEqual([1]);
      const claims = [held(1, leases[0] ?? 0), held(2, leases[1] ?? 0), held(3, leases[2] ?? 0, 2), held(4, 2 ** 33)];
      expect(await fixture.store.adopt(claims)).toEqual(claims.map(() => ({ kind: "lost" })));
    });

    it("is lost for a lease that has ended, though the task waits with the same attempts again", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const returned = await fixture.runOne({ to: "PENDING" });
      const given = await fixture.claimOne();
      expect(given.id).toBe(taskId(1));
      const failed = await fixture.runOne({ to: "FAILED", error: ERROR });
      expect(failed.id).toBe(taskId(2));
      await fixture.store.redrive([taskId(2)], NOW_MS, () => NOW_MS);
      await fixture.restart("crashed");
      const claims = [held(1, returned.lease), held(2, failed.lease), held(1, given.lease)];
      const kinds = (await fixture.store.adopt(claims)).map(({ kind }) => kind);
      expect(kinds).toEqual(["lost", "lost", "adopted"]);
    });

    it("is lost once a later epoch dispatches, then or at the next start", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.store.beginDispatch();
      const { lease } = await fixture.claimOne();
      await fixture.restart("crashed");
      await fixture.restart("crashed");
      expect(await fixture.store.adopt([held(1, makeLease(3, 0))])).toEqual([{ kind: "lost" }]);
      await fixture.store.beginDispatch();
      expect(await fixture.store.adopt([held(1, lease)])).toEqual([{ kind: "lost" }]);
      await fixture.restart("crashed");
      expect(await fixture.store.adopt([held(1, lease)])).toEqual([{ kind: "lost" }]);
    });
  });
}

/** Retention. */
export function describeRetention(makeStore: MakeStore): void {
  describe("expire", () => {
    it("deletes by age, completed and cancelled apart from dead letters", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { retentionMs: 100, deadRetentionMs: 1000 });
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.runOne({ to: "COMPLETED", result: RESULT }, NOW_MS);
      await fixture.runOne({ to: "FAILED", error: ERROR }, NOW_MS);
      await fixture.store.cancel([taskId(3)], NOW_MS + 50);
      expect(await fixture.store.expire(NOW_MS + 99, 10)).toBe(0);
      expect(await fixture.store.expire(NOW_MS + 100, 10)).toBe(1);
      expect(await fixture.listNumbers({})).toEqual([2, 3]);
      expect(await fixture.store.expire(NOW_MS + 999, 10)).toBe(1);
      expect(await fixture.store.expire(NOW_MS + 1000, 10)).toBe(1);
      expect(await fixture.listNumbers({})).toEqual([]);
    });

    it("deletes by count, the first to end first, at most the limit", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { retentionCount: 2, deadRetentionCount: 1 });
      await fixture.insertNumbers([1, 2, 3, 4, 5, 6, 7]);
      for (const endMs of [50, 10, 40]) await fixture.runOne({ to: "COMPLETED", result: RESULT }, NOW_MS + endMs);
      for (const endMs of [20, 30]) await fixture.runOne({ to: "CANCELLED" }, NOW_MS + endMs);
      for (const endMs of [2, 1]) await fixture.runOne({ to: "FAILED", error: ERROR }, NOW_MS + endMs);
      expect(await fixture.store.expire(NOW_MS + 100, 2)).toBe(2);
      expect(await fixture.listNumbers({})).toEqual([1, 3, 5, 6, 7]);
      expect(await fixture.store.expire(NOW_MS + 100, 10)).toBe(2);
      expect(await fixture.listNumbers({})).toEqual([1, 3, 6]);
      expect(await fixture.store.expire(NOW_MS + 100, 10)).toBe(0);
    });

    it("deletes a task that ended before others it has looked at", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { retentionMs: 100 });
      await fixture.insertNumbers([1, 2]);
      await fixture.runOne({ to: "CANCELLED" }, NOW_MS + 50);
      expect(await fixture.store.expire(NOW_MS + 60, 10)).toBe(0);
      await fixture.runOne({ to: "CANCELLED" }, NOW_MS + 1);
      expect(await fixture.store.expire(NOW_MS + 101, 10)).toBe(1);
      expect(await fixture.listNumbers({})).toEqual([1]);
    });

    it("keeps what was redriven", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.store.cancel([taskId(1)], NOW_MS);
      await fixture.store.redrive([taskId(1)], NOW_MS, () => 0);
      expect(await fixture.store.expire(NOW_MS * 2, 10)).toBe(0);
      expect(await fixture.state(1)).toBe("PENDING");
    });
  });
}
