/**
 * A queue that tests await instead of sleeping: every wait has a deadline and says what it waited for.
 */

const DEADLINE_MS = 5000;

interface Taker<T> {
  readonly matches: (item: T) => boolean;
  readonly resolve: (item: T) => void;
}

/** See the top of the file. */
export class Mailbox<T> {
  readonly #name: string;
  readonly #items: T[] = [];
  #takers: Taker<T>[] = [];

  /** @param name - for the message of a wait in vain */
  constructor(name: string) {
    this.#name = name;
  }

  put(item: T): void {
    const taker = this.#takers.find(({ matches }) => matches(item));
    if (taker === undefined) {
      this.#items.push(item);
      return;
    }
    this.#takers = this.#takers.filter((other) => other !== taker);
    taker.resolve(item);
  }

  /** The first item that matches, now or when it comes. Items before it stay. */
  take(matches: (item: T) => boolean = () => true): Promise<T> {
    const at = this.#items.findIndex(matches);
    const [item] = at === -1 ? [] : this.#items.splice(at, 1);
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`no ${this.#name} came within ${DEADLINE_MS} ms`));
      const timer = setTimeout(late, DEADLINE_MS);
      this.#takers.push({
        matches,
        resolve: (taken) => {
          clearTimeout(timer);
          resolve(taken);
        },
      });
    });
  }
}
