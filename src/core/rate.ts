/**
 * Responsible for: counts that fade, so that "lately" needs neither a window of samples nor a timer.
 */

/** A count of which half is gone after each half-life. */
export class DecayingCount {
  readonly #halfLifeMs: number;
  #count = 0;
  #atMs = 0;

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs;
  }

  /** Counts n more at this time. */
  add(nowMs: number, n = 1): void {
    this.#count = this.value(nowMs) + n;
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  /** What is left at this time. A time before the last `add` counts as that of the last `add`. */
  value(nowMs: number): number {
    return this.#count * 0.5 ** (Math.max(0, nowMs - this.#atMs) / this.#halfLifeMs);
  }
}
