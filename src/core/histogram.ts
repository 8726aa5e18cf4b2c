/**
 * Counts values by size in buckets that are made once: observing one allocates nothing, so that it can be done for every
 * task.
 *
 * Invariants:
 *  H1  A value counts in the first bucket whose bound is not below it, or beyond all of them.
 *  H2  The counts never fall.
 */

/** What was observed, to be read while it goes on. */
export interface HistogramFigures {
  /** Upper bounds of the buckets, rising. */
  readonly bounds: readonly number[];
  /** Values per bucket; one more than bounds, for those beyond. */
  readonly counts: ArrayLike<number>;
  /** Of all values. */
  readonly sum: number;
}

/** A histogram. */
export class Histogram implements HistogramFigures {
  readonly bounds: readonly number[];
  // Doubles: a busy node counts past 2^32 within days.
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts a value; one below 0, as when a clock was set back, counts as 0. */
  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    if (value > 0) this.sum += value;
  }
}
