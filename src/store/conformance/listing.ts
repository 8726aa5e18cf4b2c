/**
 * Conformance: lists, pages and queues.
 */
import { describe, expect, it } from "vitest";
import { MAX_PAGE_SCAN_BYTES } from "../../core/limits.ts";
import type { NewTask } from "../../core/task.ts";
import { DEFAULT_QUEUE_SETTINGS, InvalidCursorError, type TaskFilter } from "../port.ts";
import {
  ERROR,
  type Fixture,
  type MakeStore,
  NOW_MS,
  newTask,
  numberOf,
  openFixture,
  QUEUE,
  RESULT,
  taskId,
} from "./fixture.ts";

/** Tasks in every state: 1 PENDING, 2 SCHEDULED, 3 RUNNING, 4 RETRYING, 5 COMPLETED, 6 FAILED, 7 CANCELLED. */
async function insertEveryState(fixture: Fixture, base = 0, change: Partial<NewTask> = {}): Promise<void> {
  const insert = (n: number, more: Partial<NewTask> = {}) => fixture.insertNumbers([base + n], { ...change, ...more });
  await insert(5, { priority: 9 });
  await insert(6, { priority: 8 });
  await insert(4, { priority: 7 });
  await insert(3, { priority: 6 });
  await insert(7);
  await insert(1);
  await insert(2, { startAtMs: NOW_MS + 50 });
  await fixture.runOne({ to: "COMPLETED", result: RESULT });
  await fixture.runOne({ to: "FAILED", error: ERROR });
  await fixture.runOne({ to: "RETRYING", dueMs: NOW_MS + 40, error: ERROR });
  await fixture.claimOne();
  await fixture.store.cancel([taskId(base + 7)], NOW_MS);
}

/** Filters. */
export function describeFilters(makeStore: MakeStore): void {
  describe("list", () => {
    const cases: readonly (readonly [string, TaskFilter, readonly number[]])[] = [
      ["everything, by id", {}, [1, 2, 3, 4, 5, 6, 7, 20]],
      ["a queue", { queue: "other" }, [20]],
      ["an unknown queue", { queue: "nowhere", states: ["PENDING"] }, []],
      ["PENDING", { queue: QUEUE, states: ["PENDING"] }, [1]],
      ["SCHEDULED", { queue: QUEUE, states: ["SCHEDULED"] }, [2]],
      ["RUNNING", { states: ["RUNNING"] }, [3]],
      ["RETRYING", { queue: QUEUE, states: ["RETRYING"] }, [4]],
      ["COMPLETED", { queue: QUEUE, states: ["COMPLETED"] }, [5]],
      ["FAILED", { queue: QUEUE, states: ["FAILED"] }, [6]],
      ["CANCELLED", { queue: QUEUE, states: ["CANCELLED"] }, [7]],
      ["a state of any queue", { states: ["PENDING"] }, [1, 20]],
      ["several states", { queue: QUEUE, states: ["FAILED", "RUNNING", "PENDING"] }, [1, 3, 6]],
      ["no states, which is every state", { queue: QUEUE, states: [] }, [1, 2, 3, 4, 5, 6, 7]],
      ["a type", { type: "special" }, [20]],
      ["attributes", { attributes: { tenant: "acme", tier: "gold" } }, [20]],
      ["attributes that no task has", { attributes: { tenant: "acme", tier: "tin" } }, []],
      ["attributes named like what objects have", { attributes: { constructor: "x" } }, []],
      ["a time", { fromMs: NOW_MS + 1, untilMs: NOW_MS + 2 }, [20]],
      ["a time that begins too late", { fromMs: NOW_MS + 2 }, []],
    ];
    it.each(cases)("filters by %s", async (_, filter, expected) => {
      const fixture = await openFixture(makeStore);
      await insertEveryState(fixture);
      const attributes = { tenant: "acme", tier: "gold", more: "" };
      await fixture.insert([newTask(20, { queue: "other", type: "special", attributes })], NOW_MS + 1);
      expect(await fixture.listNumbers(filter)).toEqual(expected);
      expect(await fixture.listNumbers(filter, { newestFirst: true })).toEqual([...expected].reverse());
    });
  });
}

/** Orders and pages. */
export function describePages(makeStore: MakeStore): void {
  describe("pages", () => {
    it("follow dispatch order for PENDING, due time for waiting, end time for ended tasks of a queue", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3]);
      await fixture.insertNumbers([4, 5], { priority: 9 });
      expect(await fixture.listNumbers({ queue: QUEUE, states: ["PENDING"] })).toEqual([4, 5, 1, 2, 3]);
      for (const [n, dueMs] of [30, 10, 20].entries()) {
        await fixture.insertNumbers([10 + n], { startAtMs: NOW_MS + dueMs });
      }
      expect(await fixture.listNumbers({ queue: QUEUE, states: ["SCHEDULED"] })).toEqual([11, 12, 10]);
      for (const endMs of [9, 7, 8]) await fixture.runOne({ to: "FAILED", error: ERROR }, NOW_MS + endMs);
      expect(await fixture.listNumbers({ queue: QUEUE, states: ["FAILED"] })).toEqual([5, 1, 4]);
      expect(await fixture.listNumbers({ states: ["FAILED"] })).toEqual([1, 4, 5]);
    });

    it("end exactly: the last one has no cursor", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3, 4]);
      const query = { filter: {}, limit: 2, scanLimit: 100, newestFirst: false };
      const first = await fixture.store.list(query);
      const second = await fixture.store.list({ ...query, cursor: first.cursor ?? "" });
      expect([first.tasks.length, second.tasks.length, second.cursor]).toEqual([2, 2, undefined]);
    });

    it("look at no more records than asked, and go on from there", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2, 3, 4, 5]);
      await fixture.insertNumbers([6], { type: "rare" });
      const query = { filter: { type: "rare" }, limit: 5, scanLimit: 4, newestFirst: false };
      const first = await fixture.store.list(query);
      expect(first.tasks).toEqual([]);
      const second = await fixture.store.list({ ...query, cursor: first.cursor ?? "" });
      expect(second).toMatchObject({ tasks: [{ id: taskId(6) }] });
      expect(second.cursor).toBeUndefined();
    });

    it("end when they have read enough bytes, with one task at least", async () => {
      const fixture = await openFixture(makeStore);
      const spec = new Uint8Array(MAX_PAGE_SCAN_BYTES / 2);
      await fixture.insertNumbers([1, 2, 3], { spec });
      await fixture.insertNumbers([4], { spec: new Uint8Array(MAX_PAGE_SCAN_BYTES + 1) });
      await fixture.insertNumbers([5]);
      const query = { filter: { queue: QUEUE }, limit: 100, scanLimit: 100, newestFirst: false };
      const pages: number[][] = [];
      for (let cursor: string | undefined = ""; cursor !== undefined; ) {
        const page = await fixture.store.list({ ...query, ...(cursor === "" ? {} : { cursor }) });
        pages.push(page.tasks.map(numberOf));
        cursor = page.cursor;
      }
      expect(pages).toEqual([[1, 2], [3, 4], [5]]);
    });

    it.each([false, true])("stay valid while tasks come and go (newest first: %s)", async (newestFirst) => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([10, 20, 30, 40]);
      const query = { filter: { queue: QUEUE }, limit: 2, scanLimit: 100, newestFirst };
      const first = await fixture.store.list(query);
      await fixture.store.cancel([taskId(20), taskId(30)], NOW_MS);
      await fixture.store.purge([taskId(20), taskId(30)]);
      await fixture.insertNumbers([15, 35]);
      const rest = await fixture.store.list({ ...query, limit: 9, cursor: first.cursor ?? "" });
      expect(rest.tasks.map(({ id }) => id)).toEqual((newestFirst ? [15, 10] : [35, 40]).map(taskId));
    });

    it("refuse a cursor that they did not make", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1, 2]);
      const query = { filter: {}, limit: 1, scanLimit: 100, newestFirst: false };
      const { cursor = "" } = await fixture.store.list(query);
      const pending = { ...query, filter: { queue: QUEUE, states: ["PENDING"] } } as const;
      for (const bad of ["", "x", "%%%", `${cursor}A`, cursor.slice(2), ` ${cursor}`]) {
        await expect(fixture.store.list({ ...query, cursor: bad })).rejects.toThrow(InvalidCursorError);
      }
      await expect(fixture.store.list({ ...pending, cursor })).rejects.toThrow(InvalidCursorError);
      expect((await fixture.store.list({ ...query, cursor })).tasks).toMatchObject([{ id: taskId(2) }]);
    });
  });
}

/** Queues and their settings. */
export function describeQueues(makeStore: MakeStore): void {
  describe("queues", () => {
    it("are listed by name with counts, bytes and the age of their head", async () => {
      const fixture = await openFixture(makeStore);
      await insertEveryState(fixture);
      await fixture.store.configureQueue("empty", { maxLead: 3 });
      const [empty, logs] = await fixture.store.queues();
      expect(empty).toMatchObject({ name: "empty", waitingBytes: 0, headSubmittedMs: 0 });
      expect(empty?.settings).toEqual({ ...DEFAULT_QUEUE_SETTINGS, maxLead: 3 });
      expect(logs).toMatchObject({ name: QUEUE, headSubmittedMs: NOW_MS, settings: DEFAULT_QUEUE_SETTINGS });
      const one = { PENDING: 1, SCHEDULED: 1, RUNNING: 1, RETRYING: 1, COMPLETED: 1, FAILED: 1, CANCELLED: 1 };
      expect(logs?.counts).toEqual(one);
    });

    it("say when the first unclaimed task was submitted", async () => {
      const fixture = await openFixture(makeStore);
      const head = async () => (await fixture.store.queues())[0]?.headSubmittedMs;
      await fixture.insertNumbers([1]);
      await fixture.insert([newTask(2, { priority: 9 })], NOW_MS + 5);
      expect(await head()).toBe(NOW_MS + 5);
      await fixture.claimOne();
      expect(await head()).toBe(NOW_MS);
      await fixture.claimOne();
      expect(await head()).toBe(0);
    });

    it("change only the settings that are given", async () => {
      const fixture = await openFixture(makeStore);
      expect(await fixture.store.configureQueue(QUEUE, { paused: true })).toMatchObject({ paused: true, maxLag: 100 });
      const settings = await fixture.store.configureQueue(QUEUE, { maxLag: 5, retentionCount: 1 });
      expect(settings).toEqual({ ...DEFAULT_QUEUE_SETTINGS, paused: true, maxLag: 5, retentionCount: 1 });
      await fixture.insertNumbers([1]);
      expect(await fixture.store.queues()).toMatchObject([{ settings }]);
    });
  });
}
