/**
 * What somebody may do per second, with a burst: a supply that refills steadily up to a bound. Time comes in as a value.
 */

/** How much there is of something. */
export interface Rate {
  /** At most this many at once. */
  readonly burst: number;
  /** Comes back each second. */
  readonly perSecond: number;
}

/** A supply, full at the start. */
export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#atMs = nowMs;
  }

  /** Takes one. False: there was none. */
  take(nowMs: number): boolean {
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) * perSecond) / 1000);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
