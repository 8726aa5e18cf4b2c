/** What each analyzer got against what its weight entitles it to. */

/** The share of one analyzer. Shares are parts of 1. */
export interface ShareRow {
  readonly weight: number;
  readonly tasks: number;
  readonly expected: number;
  readonly actual: number;
  /** Tasks that it got more (or, negative, fewer) than its share. */
  readonly aheadTasks: number;
}

/** Compares counts with weights, pairwise. */
export function compareShares(weights: readonly number[], counts: readonly number[]): ShareRow[] {
  const weightSum = sum(weights);
  const taskSum = sum(counts);
  return weights.map((weight, index) => {
    const tasks = counts[index] ?? 0;
    const expected = weight / weightSum;
    return {
      weight,
      tasks,
      expected,
      actual: taskSum === 0 ? 0 : tasks / taskSum,
      aheadTasks: tasks - expected * taskSum,
    };
  });
}

/** The largest distance of any analyzer from its share, in tasks. */
export function worstDeviation(rows: readonly ShareRow[]): number {
  return Math.max(0, ...rows.map((row) => Math.abs(row.aheadTasks)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
