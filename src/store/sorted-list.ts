/**
 * A list that keeps its items in order of a byte string, for tables in memory.
 *
 * Adding at the end and taking from the front are cheap, which is what queues do; the middle costs one move of memory.
 */

/** An item with its place in the order. Places are unique within a list. */
export interface Placed {
  readonly position: string;
}

/** Items in order of `position`. */
export class SortedList<T extends Placed> {
  readonly #items: T[] = [];
  // Taken items stay in front until they are half of the array: removing them one by one would move all others each time.
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The item at an index, counted from the first. */
  at(index: number): T | undefined {
    return index < 0 ? undefined : this.#items[this.#head + index];
  }

  /** Adds an item; one at the same position is replaced. */
  add(item: T): void {
    const index = this.#indexOf(item.position);
    const found = this.#items[index];
    if (found === undefined) this.#items.push(item);
    else this.#items.splice(index, found.position === item.position ? 1 : 0, item);
  }

  /** Removes the item at a position; says whether there was one. */
  remove(position: string): boolean {
    const index = this.#indexOf(position);
    if (this.#items[index]?.position !== position) return false;
    if (index === this.#head) this.takeFirst();
    else this.#items.splice(index, 1);
    return true;
  }

  /** Removes and returns the first item. */
  takeFirst(): T | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head += 1;
    if (this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Drops all but the first `size` items. */
  truncate(size: number): void {
    this.#items.length = Math.min(this.#items.length, this.#head + size);
  }

  /** The items in order; they must not change meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item !== undefined) yield item;
    }
  }

  /** Index of the first item at or after a position. */
  #indexOf(position: string): number {
    const last = this.#items.at(-1);
    if (this.size === 0 || last === undefined || last.position < position) return this.#items.length;
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#items[middle];
      if (item !== undefined && item.position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
