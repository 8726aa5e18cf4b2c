/**
 * The clock that leases expire by: monotonic time, without the pauses of the node itself.
 *
 * A node that was stopped, or whose event loop was held up, has not read the heartbeats that arrived meanwhile. On this
 * clock such a pause counts for no more than one step, so it expires nobody.
 */

/** Counts the time during which the node was active. Advance it often: a gap longer than one step counts as a pause. */
export class LeaseClock {
  readonly #maxStepMs: number;
  #lastMs: number | undefined;
  #nowMs = 0;

  /** `maxStepMs`: the longest gap between two calls of `advance` that counts in full. */
  constructor(maxStepMs: number) {
    this.#maxStepMs = maxStepMs;
  }

  /** Active time since the first `advance`, in milliseconds, as of the last one. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Notes the time of a monotonic clock and returns the active time. */
  advance(monotonicMs: number): number {
    const gapMs = monotonicMs - (this.#lastMs ?? monotonicMs);
    this.#lastMs = monotonicMs;
    this.#nowMs += Math.min(Math.max(0, gapMs), this.#maxStepMs);
    return this.#nowMs;
  }
}
