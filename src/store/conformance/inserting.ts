/**
 * Conformance: what `insert` accepts, refuses and keeps.
 */
import { describe, expect, it } from "vitest";
import { MAX_QUEUES } from "../../core/limits.ts";
import { type MakeStore, NOW_MS, newTask, openFixture, QUEUE, taskId } from "./fixture.ts";

/** Insert and get. */
export function describeInserting(makeStore: MakeStore): void {
  describe("insert", () => {
    it("keeps everything that was submitted", async () => {
      const fixture = await openFixture(makeStore);
      const attributes = { tenant: "acme", trace: "ü" };
      const task = newTask(1, { attributes, priority: 9, type: "parse.json", spec: Uint8Array.of(0, 1, 254, 255) });
      expect(await fixture.insert([task])).toEqual([{ kind: "accepted" }]);
      expect(await fixture.task(1)).toEqual({
        id: task.id,
        queue: QUEUE,
        type: "parse.json",
        priority: 9,
        state: "PENDING",
        submittedMs: NOW_MS,
        dueMs: 0,
        startMs: 0,
        endMs: 0,
        attempts: 0,
        analyzerId: "",
        lease: 0,
        history: [],
        attributes,
        spec: task.spec,
      });
    });

    it("answers a taken id with the spec it was submitted with, also within one call", async () => {
      const fixture = await openFixture(makeStore);
      const other = newTask(1, { queue: "other", spec: Uint8Array.of(5) });
      const outcomes = await fixture.insert([newTask(1), other]);
      expect(outcomes).toEqual([{ kind: "accepted" }, { kind: "exists", spec: newTask(1).spec }]);
      expect(await fixture.insert([other])).toEqual([{ kind: "exists", spec: newTask(1).spec }]);
      expect((await fixture.store.queues()).map(({ name }) => name)).toEqual([QUEUE]);
    });

    it("still knows the id of an ended task", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "COMPLETED", result: { output: new Uint8Array(0), contentType: "" } });
      expect(await fixture.insert([newTask(1)])).toEqual([{ kind: "exists", spec: newTask(1).spec }]);
    });

    it("rejects an id that is no UUID, and nothing of the call is visible", async () => {
      const fixture = await openFixture(makeStore);
      await expect(fixture.insert([newTask(1), newTask(2, { id: "two" })])).rejects.toThrow(TypeError);
      expect(await fixture.store.get(taskId(1))).toBeUndefined();
      await fixture.insertNumbers([1]);
    });

    it("knows no task by an unknown or malformed id", async () => {
      const { store } = await openFixture(makeStore);
      for (const id of [taskId(1), "", "x", taskId(10).toUpperCase()]) expect(await store.get(id)).toBeUndefined();
    });
  });
}

/** Limits of queues. */
export function describeLimits(makeStore: MakeStore): void {
  describe("limits", () => {
    it("refuses a task beyond max_waiting until one ends", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { maxWaiting: 3 });
      const tasks = [newTask(1), newTask(2, { startAtMs: NOW_MS + 1 }), newTask(3), newTask(4)];
      expect(await fixture.insert(tasks)).toEqual([
        { kind: "accepted" },
        { kind: "accepted" },
        { kind: "accepted" },
        { kind: "full", limit: "max_waiting" },
      ]);
      const claimed = await fixture.claimOne();
      expect(await fixture.insert([newTask(4)])).toEqual([{ kind: "full", limit: "max_waiting" }]);
      await fixture.finish(claimed.lease, { to: "CANCELLED" });
      expect(await fixture.insert([newTask(4)])).toEqual([{ kind: "accepted" }]);
    });

    it("refuses a task beyond max_waiting_bytes, and still takes a smaller one", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { maxWaitingBytes: 100 });
      const sized = (n: number, bytes: number) => newTask(n, { spec: new Uint8Array(bytes) });
      expect(await fixture.insert([sized(1, 60), sized(2, 41), sized(3, 40)])).toEqual([
        { kind: "accepted" },
        { kind: "full", limit: "max_waiting_bytes" },
        { kind: "accepted" },
      ]);
      expect(await fixture.store.queues()).toMatchObject([{ name: QUEUE, waitingBytes: 100 }]);
    });

    it("answers a duplicate as such even when the queue is full", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.store.configureQueue(QUEUE, { maxWaiting: 1 });
      await fixture.insertNumbers([1]);
      expect(await fixture.insert([newTask(1)])).toMatchObject([{ kind: "exists" }]);
    });

    it("refuses one queue too many, for tasks and for settings", async () => {
      const fixture = await openFixture(makeStore);
      const tasks = Array.from({ length: MAX_QUEUES }, (_, n) => newTask(n, { queue: `q${n}` }));
      const outcomes = await fixture.insert(tasks);
      expect(outcomes.every(({ kind }) => kind === "accepted")).toBe(true);
      const oneMore = newTask(MAX_QUEUES, { queue: "more" });
      expect(await fixture.insert([oneMore])).toEqual([{ kind: "full", limit: "max_queues" }]);
      expect(await fixture.store.configureQueue("more", { paused: true })).toBeUndefined();
      expect(await fixture.store.configureQueue("q7", { paused: true })).toMatchObject({ paused: true });
      await fixture.store.purge([]);
      expect(await fixture.store.queues()).toHaveLength(MAX_QUEUES);
    });
  });
}
