import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HeapNode, IndexedHeap } from "./heap.ts";

interface Node extends HeapNode {
  key: number;
}

function node(key: number): Node {
  return { heapIndex: -1, key };
}

function makeHeap(...keys: number[]): { heap: IndexedHeap<Node>; nodes: Node[] } {
  const heap = new IndexedHeap<Node>((a, b) => a.key - b.key);
  const nodes = keys.map(node);
  for (const each of nodes) heap.push(each);
  return { heap, nodes };
}

function drain(heap: IndexedHeap<Node>): number[] {
  const keys: number[] = [];
  for (let first = heap.pop(); first !== undefined; first = heap.pop()) keys.push(first.key);
  return keys;
}

describe("an indexed heap", () => {
  test("gives its members back in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), (keys) => {
        expect(drain(makeHeap(...keys).heap)).toEqual(keys.toSorted((a, b) => a - b));
      }),
    );
  });

  test("is empty at first", () => {
    const { heap } = makeHeap();
    expect(heap.size).toBe(0);
    expect(heap.peek()).toBeUndefined();
    expect(heap.pop()).toBeUndefined();
  });

  test("marks the members that it holds, and frees those that left", () => {
    const { heap, nodes } = makeHeap(2, 1);
    const [two, one] = nodes;
    if (two === undefined || one === undefined) throw new Error("unreachable");
    expect([one.heapIndex, two.heapIndex]).toEqual([0, 1]);
    expect(heap.has(one)).toBe(true);
    expect(heap.pop()).toBe(one);
    expect(one.heapIndex).toBe(-1);
    expect(two.heapIndex).toBe(0);
    expect(heap.has(one)).toBe(false);
    expect(heap.has(two)).toBe(true);
    heap.push(one);
    expect(heap.peek()).toBe(one);
  });

  test("refuses a node that is in a heap", () => {
    const { heap, nodes } = makeHeap(1);
    const other = makeHeap().heap;
    expect(() => nodes.forEach((each) => void other.push(each))).toThrow(
      new Error("this node is in a heap already, at place 0"),
    );
    expect(other.size).toBe(0);
    expect(heap.size).toBe(1);
  });

  test("does not take the node of another heap for its own", () => {
    const { heap } = makeHeap(1, 2);
    const foreign = makeHeap(5, 6).nodes;
    for (const each of foreign) {
      expect(heap.has(each)).toBe(false);
      expect(heap.remove(each)).toBe(false);
      expect(() => heap.update(each)).toThrow(new Error("this node is not in the heap"));
    }
    expect(drain(heap)).toEqual([1, 2]);
  });

  test("rebuilds its order after many keys have changed (H1)", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (keys) => {
        const { heap, nodes } = makeHeap(...keys);
        for (const each of nodes) each.key = -each.key;
        heap.rebuild();
        expect(drain(heap)).toEqual(keys.map((key) => -key).sort((a, b) => a - b));
      }),
    );
  });

  test("holds its order and places through any pushes, pops, moves and removals (H1, H2)", () => {
    const step = fc.record({
      action: fc.constantFrom("push", "pop", "move", "remove"),
      pick: fc.nat(),
      key: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new IndexedHeap<Node>((a, b) => a.key - b.key);
        const inside: Node[] = [];
        for (const { action, pick, key } of steps) {
          const chosen = inside[pick % Math.max(1, inside.length)];
          if (action === "push") {
            const added = node(key);
            inside.push(added);
            heap.push(added);
          } else if (chosen === undefined) {
            expect(heap.pop()).toBeUndefined();
          } else if (action === "pop") {
            const popped = heap.pop();
            expect(popped?.key).toBe(Math.min(...inside.map((each) => each.key)));
            if (popped !== undefined) inside.splice(inside.indexOf(popped), 1);
          } else if (action === "move") {
            chosen.key = key;
            heap.update(chosen);
          } else {
            expect(heap.remove(chosen)).toBe(true);
            expect(chosen.heapIndex).toBe(-1);
            inside.splice(inside.indexOf(chosen), 1);
          }
          expect(heap.size).toBe(inside.length);
          for (const each of inside) expect(heap.has(each)).toBe(true);
          if (inside.length > 0) expect(heap.peek()?.key).toBe(Math.min(...inside.map((each) => each.key)));
        }
        expect(drain(heap)).toEqual(inside.map((each) => each.key).sort((a, b) => a - b));
      }),
    );
  });

  test("compares about log n times per move (cost)", () => {
    let comparisons = 0;
    const heap = new IndexedHeap<Node>((a, b) => {
      comparisons += 1;
      return a.key - b.key;
    });
    for (let key = 0; key < 10_000; key++) heap.push(node(key));
    comparisons = 0;
    for (let round = 0; round < 1000; round++) {
      const first = heap.peek();
      if (first === undefined) throw new Error("unreachable");
      first.key += 10_000;
      heap.update(first);
    }
    // Depth 13, two comparisons a level.
    expect(comparisons).toBeLessThanOrEqual(1000 * 28);
  });
});
