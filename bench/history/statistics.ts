/**
 * Statistics of few samples: the median, the spread, and whether two sets of samples differ by more than chance.
 *
 *  S1  Nothing is assumed of how figures are distributed but that runs of the same thing are exchangeable.
 *  S2  `rankSumP` is exact: the part of all ways of dealing the pooled samples out that is at least as uneven as the one seen.
 */

/** Samples in short. All are 0 when there are none. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle sample, or the mean of the two in the middle; 0 when there is none. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Interpolates linearly between samples. @param part 0 = smallest, 1 = largest */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = part * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}

/** Median and range. */
export function summary(samples: readonly number[]): Summary {
  if (samples.length === 0) return { median: 0, min: 0, max: 0 };
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) };
}

/** Half of the range, as a part of the median. */
export function relativeSpread(samples: readonly number[]): number {
  const { median: middle, min, max } = summary(samples);
  return middle === 0 ? 0 : (max - min) / 2 / Math.abs(middle);
}

/**
 * Two-sided p of the Wilcoxon-Mann-Whitney rank-sum test, exact, ties sharing their mean rank: how often chance alone would
 * divide these samples at least as unevenly. 1 when either side has none.
 */
export function rankSumP(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return 1;
  const pooled = [...a, ...b].sort((x, y) => x - y);
  // Twice the rank, so that shared ranks are whole numbers.
  const doubledRank = (value: number): number => pooled.indexOf(value) + pooled.lastIndexOf(value) + 2;
  const expected = a.length * (pooled.length + 1);
  const seen = Math.abs(sum(a.map(doubledRank)) - expected);
  let uneven = 0;
  let all = 0;
  for (const [rankSum, ways] of waysBySum(pooled.map(doubledRank), a.length)) {
    all += ways;
    if (Math.abs(rankSum - expected) >= seen) uneven += ways;
  }
  return uneven / all;
}

/** The smallest p that so many samples, no two of them equal, can give: both sets wholly apart. */
export function smallestP(a: number, b: number): number {
  if (a === 0 || b === 0) return 1;
  let ways = 1;
  for (let i = 1; i <= a; i++) ways = (ways * (b + i)) / i;
  return Math.min(1, 2 / ways);
}

/** For each sum, in how many ways `count` of the ranks give it. */
function waysBySum(ranks: readonly number[], count: number): Map<number, number> {
  const byCount = Array.from({ length: count + 1 }, () => new Map<number, number>());
  byCount[0]?.set(0, 1);
  for (const rank of ranks) {
    for (let taken = count; taken > 0; taken--) {
      const target = byCount[taken];
      for (const [rankSum, ways] of byCount[taken - 1] ?? []) {
        target?.set(rankSum + rank, (target.get(rankSum + rank) ?? 0) + ways);
      }
    }
  }
  return byCount[count] ?? new Map();
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
