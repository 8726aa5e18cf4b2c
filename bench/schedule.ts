/**
 * When tasks are to be submitted in an open loop: task i at start + i / rate, whatever the node does.
 *
 * Latency is counted from that time and not from the moment at which the call was made. A loop that waits for a slow node
 * before it submits again would leave out the very tasks that suffered ("coordinated omission").
 *
 *  H1  Times are equally far apart and never depend on answers.
 *  H2  A task is due at its time, not before.
 */
export class Schedule {
  readonly #startMs: number;
  readonly #ratePerSecond: number;

  constructor(startMs: number, ratePerSecond: number) {
    this.#startMs = startMs;
    this.#ratePerSecond = ratePerSecond;
  }

  /** When the task with this index, from 0, is to be submitted. */
  intendedMs(index: number): number {
    return this.#startMs + (index * 1000) / this.#ratePerSecond;
  }

  /** How many tasks are due by now. */
  due(nowMs: number): number {
    if (nowMs < this.#startMs) return 0;
    const guess = Math.floor(((nowMs - this.#startMs) * this.#ratePerSecond) / 1000);
    // Rounding may put the guess on either side of a task that is due right now.
    if (this.intendedMs(guess) > nowMs) return guess;
    return this.intendedMs(guess + 1) > nowMs ? guess + 1 : guess + 2;
  }
}
