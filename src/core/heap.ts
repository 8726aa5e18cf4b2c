/**
 * A binary heap whose members know their own place in it, so that any of them can be moved or removed in O(log n).
 *
 * Nothing is allocated per operation. Two heaps can share members only if a member is in one of them at a time; for two
 * at once give the member a second object (see the seats in `share-lead.ts`).
 *
 * Invariants:
 *  H1  No member comes before its parent in the order of `compare`.
 *  H2  The member at place i has heapIndex i. A member that left has heapIndex -1.
 */

/** What a heap keeps on its members. */
export interface HeapNode {
  /** Place in the heap; -1 = in none. Start with -1, then leave it to the heap. */
  heapIndex: number;
}

/** The heap. The first in the order of `compare` is on top; ties are in no particular order. */
export class IndexedHeap<T extends HeapNode> {
  readonly #nodes: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  /** `compare` is negative when a comes before b, as for Array.sort. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#nodes.length;
  }

  has(node: T): boolean {
    return this.#nodes[node.heapIndex] === node;
  }

  /** The first one, which stays. */
  peek(): T | undefined {
    return this.#nodes[0];
  }

  /** Adds a member. Throws if it is in a heap already. */
  push(node: T): void {
    if (node.heapIndex !== -1) throw new Error(`this node is in a heap already, at place ${node.heapIndex}`);
    this.#nodes.push(node);
    this.#rise(node, this.#nodes.length - 1);
  }

  /** Takes the first one out. */
  pop(): T | undefined {
    const first = this.#nodes[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes a member out. False: it was not in this heap. */
  remove(node: T): boolean {
    if (!this.has(node)) return false;
    const index = node.heapIndex;
    const last = this.#nodes.pop();
    node.heapIndex = -1;
    if (last !== undefined && last !== node) this.#settle(last, index);
    return true;
  }

  /** Moves a member to its place after its order has changed. Throws if it is not in this heap. */
  update(node: T): void {
    if (!this.has(node)) throw new Error("this node is not in the heap");
    this.#settle(node, node.heapIndex);
  }

  /** Restores the order after that of many members has changed: O(n). */
  rebuild(): void {
    for (let index = (this.#nodes.length >> 1) - 1; index >= 0; index--) {
      const node = this.#nodes[index];
      if (node !== undefined) this.#sink(node, index);
    }
  }

  /** Puts a node that belongs at this place, above or below it. */
  #settle(node: T, index: number): void {
    const parent = this.#nodes[(index - 1) >> 1];
    if (parent !== undefined && this.#compare(node, parent) < 0) this.#rise(node, index);
    else this.#sink(node, index);
  }

  #rise(node: T, from: number): void {
    const nodes = this.#nodes;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = nodes[above];
      if (parent === undefined || this.#compare(node, parent) >= 0) break;
      nodes[index] = parent;
      parent.heapIndex = index;
      index = above;
    }
    nodes[index] = node;
    node.heapIndex = index;
  }

  #sink(node: T, from: number): void {
    const nodes = this.#nodes;
    let index = from;
    while (true) {
      let below = 2 * index + 1;
      let child = nodes[below];
      if (child === undefined) break;
      const right = nodes[below + 1];
      if (right !== undefined && this.#compare(right, child) < 0) {
        child = right;
        below += 1;
      }
      if (this.#compare(node, child) <= 0) break;
      nodes[index] = child;
      child.heapIndex = index;
      index = below;
    }
    nodes[index] = node;
    node.heapIndex = index;
  }
}
