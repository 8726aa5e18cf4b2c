/**
 * What makes a soak's claim of "flat": samples by the third of the run that they belong to, and the comparison of the first
 * with the last. Pure.
 *
 * The node is killed again and again in the first and the last third, and left alone in the second. So its memory is
 * compared twice: at equal age, lives of the last third against lives of the first; and within the one long life of the
 * second, its last third against its first. The emitter and one crew live through the whole run.
 */

/** Figures whose growth would be a leak, or a node that gets slower. */
export const SERIES = [
  "node at equal age, MiB",
  "node in its long life, MiB",
  "emitter, MiB",
  "surviving crew, MiB",
  "data on disk, MiB",
  "submit to OK p50, ms",
  "submit to OK p99, ms",
  "submit to ending p50, ms",
  "submit to ending p95, ms",
] as const;

/** One of them. */
export type Series = (typeof SERIES)[number];

/** First third against last. Undefined where there were too few samples. */
export interface Comparison {
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly samples: readonly [first: number, last: number];
  readonly isFlat: boolean;
}

/** The last third may be this much above the first: heaps are collected when they like, and machines have other work. */
const MOST_GROWTH = 1.25;
/** Differences below this are noise, whatever their ratio. */
const NOISE: Readonly<Record<"MiB" | "ms", number>> = { MiB: 24, ms: 15 };
/** Fewer samples prove nothing. */
const MIN_SAMPLES = 5;

/** Whether a figure is flat: the last third is not far above the first. */
export function compare(
  series: Series,
  first: readonly number[],
  last: readonly number[],
  quantile = quantileOf(series),
): Comparison {
  const [a, b] = [quantileValue(first, quantile), quantileValue(last, quantile)];
  const noise = series.endsWith("MiB") ? NOISE.MiB : NOISE.ms;
  const isMeasured = first.length >= MIN_SAMPLES && last.length >= MIN_SAMPLES && a !== undefined && b !== undefined;
  return {
    first: a,
    last: b,
    samples: [first.length, last.length],
    isFlat: isMeasured && b <= Math.max(a * MOST_GROWTH, a + noise),
  };
}

/** The value below which this part of the samples lies; undefined of none. */
export function quantileValue(samples: readonly number[], quantile: number): number | undefined {
  const sorted = [...samples].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
}

function quantileOf(series: Series): number {
  const percentile = /p(\d+)/.exec(series)?.[1];
  return percentile === undefined ? 0.5 : Number(percentile) / 100;
}

/** Times in which something was wrong, and shortly after: what was slow then was slow for a reason. */
export class Disturbances {
  readonly #times: (readonly [fromMs: number, untilMs: number])[] = [];

  add(fromMs: number, untilMs: number): void {
    this.#times.push([fromMs, untilMs]);
  }

  /** Whether any of it falls between these moments. */
  touches(fromMs: number, untilMs: number): boolean {
    return this.#times.some(([from, until]) => from <= untilMs && until >= fromMs);
  }
}
