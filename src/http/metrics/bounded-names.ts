/**
 * Keeps the number of time series bounded: the first so many names have series of their own, the rest share `other`.
 *
 *  B1  A name that has a series keeps it for as long as it is there: series do not change hands between two scrapes.
 *  B2  There are never more than the limit, and one.
 */

/** Stands for all names beyond the limit. */
export const OTHER = "other";

/** Names of one kind. */
export class BoundedNames {
  readonly #limit: number;
  readonly #named = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The label for a name. */
  labelOf(name: string): string {
    if (this.#named.has(name)) return name;
    if (this.#named.size >= this.#limit) return OTHER;
    this.#named.add(name);
    return name;
  }

  /**
   * Forgets names that are no more, so that others can have their places. Only for names of gauges: the sum that `other`
   * stands for gets smaller by whoever moves out of it, and counters must not fall.
   */
  retain(names: Iterable<string>): void {
    const present = new Set(names);
    for (const name of this.#named) if (!present.has(name)) this.#named.delete(name);
  }
}
