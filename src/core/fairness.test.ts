import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StartTags } from "./fairness.ts";
import { type HeapNode, IndexedHeap } from "./heap.ts";

interface Waiting extends HeapNode {
  readonly key: string;
  readonly tag: number;
  readonly order: number;
}

/** A queue of one priority: tasks in the order of start tag, then submission, as the stores keep them. */
class Queue {
  readonly tags = new StartTags();
  readonly #waiting = new IndexedHeap<Waiting>((a, b) => a.tag - b.tag || a.order - b.order);
  #submitted = 0;

  submit(key: string, weight = 1): Waiting {
    const task = { heapIndex: -1, key, tag: this.tags.start(key, weight), order: this.#submitted++ };
    this.#waiting.push(task);
    return task;
  }

  dispatch(): Waiting | undefined {
    const task = this.#waiting.pop();
    if (task !== undefined) this.tags.advance(task.tag);
    return task;
  }
}

describe("start tags", () => {
  test("of one key follow each other by 1 / weight", () => {
    const tags = new StartTags();
    expect([tags.start("a", 1), tags.start("a", 2), tags.start("a", 0.5), tags.start("a", 1)]).toEqual([
      0, 1, 1.5, 3.5,
    ]);
    expect(tags.finishOf("a")).toBe(4.5);
  });

  test("of a key without tasks waiting start at the virtual time (F2)", () => {
    const tags = new StartTags();
    tags.start("a", 1);
    tags.advance(7);
    expect(tags.start("a", 1)).toBe(7);
    expect(tags.start("b", 1)).toBe(7);
    tags.advance(3);
    expect(tags.start("c", 1)).toBe(7);
  });

  test("of a key are unknown until it has one", () => {
    const tags = new StartTags();
    expect(tags.finishOf("a")).toBeUndefined();
    expect(tags.size).toBe(0);
    tags.start("a", 4);
    expect(tags.finishOf("a")).toBe(0.25);
    expect(tags.size).toBe(1);
  });

  test("go on where they were after a restore", () => {
    const tags = new StartTags();
    tags.restore("a", 5);
    expect(tags.finishOf("a")).toBe(5);
    expect(tags.start("a", 1)).toBe(5);
    tags.restore("a", 2);
    expect(tags.start("a", 1)).toBe(2);
    expect(tags.size).toBe(1);
  });

  test("of keys that the virtual time has caught up with are dropped, and of no others (F4)", () => {
    const tags = new StartTags();
    for (const [key, finish] of [
      ["late", 9],
      ["even", 5],
      ["past", 1],
    ] as const)
      tags.restore(key, finish);
    expect(tags.prune()).toEqual([]);
    tags.advance(5);
    expect(tags.prune()).toEqual(["past", "even"]);
    expect(tags.prune()).toEqual([]);
    expect(tags.size).toBe(1);
    expect(tags.finishOf("even")).toBeUndefined();
    expect(tags.finishOf("late")).toBe(9);
    expect(tags.start("even", 1)).toBe(5);
  });

  test("refuse a weight that is none", () => {
    expect(() => new StartTags().start("a", 0)).toThrow("a weight must be a finite number greater than 0, got 0");
  });
});

describe("a queue in the order of start tags", () => {
  test.each([0, 1, 50_000])("lets a small tenant pass a large one that has %d of 100,000 done", (dispatchedBefore) => {
    const queue = new Queue();
    for (let i = 0; i < 100_000; i++) queue.submit("A");
    for (let i = 0; i < dispatchedBefore; i++) queue.dispatch();
    for (let i = 0; i < 10; i++) queue.submit("B");
    let left = 10;
    let deliveries = 0;
    while (left > 0) {
      deliveries += 1;
      if (queue.dispatch()?.key === "B") left -= 1;
    }
    expect(deliveries).toBeLessThanOrEqual(21);
  });

  test("keeps submission order for tasks without a key", () => {
    const queue = new Queue();
    for (let i = 0; i < 1000; i++) queue.submit("");
    for (let i = 0; i < 1000; i++) expect(queue.dispatch()?.order).toBe(i);
  });

  const weights = fc.array(
    fc.integer({ min: 1, max: 100 }).map((tenths) => tenths / 10),
    { minLength: 2, maxLength: 6 },
  );

  test("gives keys with a backlog their weight's part in any interval (F3)", () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 200 }), (each, skip, count) => {
        const queue = new Queue();
        for (let i = 0; i < 400; i++) for (const [key, weight] of each.entries()) queue.submit(`${key}`, weight);
        for (let i = 0; i < skip; i++) queue.dispatch();
        const got = new Array<number>(each.length).fill(0);
        for (let i = 0; i < count; i++) {
          const key = Number(queue.dispatch()?.key);
          got[key] = (got[key] ?? 0) + 1;
          for (const [f, weightF] of each.entries()) {
            for (const [m, weightM] of each.entries()) {
              const apart = Math.abs((got[f] ?? 0) / weightF - (got[m] ?? 0) / weightM);
              expect(apart).toBeLessThanOrEqual(1 / weightF + 1 / weightM + 1e-9);
            }
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test("keeps submission order within a key, tags never below V, and pruning changes no tag (F1, F2, F4)", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ key: fc.constantFrom("a", "b", "c"), weight: fc.constantFrom(0.5, 1, 3) }) },
      { weight: 2, arbitrary: fc.constant("dispatch" as const) },
      { weight: 1, arbitrary: fc.constant("prune" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new Queue();
        const unpruned = new StartTags();
        const lastOrder = new Map<string, number>();
        let virtualTime = 0;
        for (const each of steps) {
          if (each === "prune") {
            for (const key of queue.tags.prune()) expect(unpruned.finishOf(key)).toBeLessThanOrEqual(virtualTime);
          } else if (each === "dispatch") {
            const task = queue.dispatch();
            if (task === undefined) continue;
            expect(task.order).toBeGreaterThan(lastOrder.get(task.key) ?? -1);
            lastOrder.set(task.key, task.order);
            unpruned.advance(task.tag);
            virtualTime = Math.max(virtualTime, task.tag);
          } else {
            const task = queue.submit(each.key, each.weight);
            expect(task.tag).toBe(unpruned.start(each.key, each.weight));
            expect(task.tag).toBeGreaterThanOrEqual(virtualTime);
          }
        }
      }),
    );
  });

  test("remembers only keys with a backlog", () => {
    const queue = new Queue();
    for (let tenant = 0; tenant < 10_000; tenant++) {
      queue.submit(`tenant-${tenant}`);
      queue.dispatch();
      if (tenant % 10 === 9) {
        // One more step of virtual time, and all before it are caught up with.
        queue.submit(`tenant-${tenant}`);
        queue.dispatch();
        queue.tags.prune();
      }
    }
    expect(queue.tags.size).toBeLessThanOrEqual(1);
  });
});
