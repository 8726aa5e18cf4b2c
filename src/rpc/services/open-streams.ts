/**
 * The streams that are open, so that a stop can wait for them and end those that stay.
 */

/** Streams of one kind. */
export class OpenStreams {
  readonly #stops = new Set<() => void>();
  readonly #waiting: (() => void)[] = [];

  /** Notes a stream; `stop` ends it from our side. Returns what to call once it is gone. */
  add(stop: () => void): () => void {
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      if (this.#stops.size > 0) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  /** Ends all of them. */
  stopAll(): void {
    for (const stop of [...this.#stops]) stop();
  }

  /** Resolves once none is open. */
  whenNone(): Promise<void> {
    if (this.#stops.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
