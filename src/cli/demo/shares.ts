/**
 * Judges whether analyzers got what their weights promise.
 *
 * The figures come from the node's own statistics; nothing here knows what they should be but the weights.
 */

/** What an analyzer did in the stretch that is judged. */
export interface AnalyzerCount {
  readonly analyzerId: string;
  readonly weight: number;
  readonly completed: number;
}

/** An analyzer's share as promised and as it was. Parts are 0 to 1. */
export interface ShareRow extends AnalyzerCount {
  readonly expected: number;
  readonly actual: number;
}

/** A share further from its promise than this fails the demo: five points of a hundred. */
export const MAX_SHARE_ERROR = 0.05;

/** Shares of one stretch, in the order given. Weights count relative to those in the list. */
export function shareRows(counts: readonly AnalyzerCount[]): ShareRow[] {
  const weights = counts.reduce((sum, count) => sum + count.weight, 0);
  const completed = counts.reduce((sum, count) => sum + count.completed, 0);
  return counts.map((count) => ({
    ...count,
    expected: count.weight / weights,
    actual: completed === 0 ? 0 : count.completed / completed,
  }));
}

/** What was done between two counts of the same analyzers; those missing before had done nothing. */
export function countsSince(before: readonly AnalyzerCount[], now: readonly AnalyzerCount[]): AnalyzerCount[] {
  const earlier = new Map(before.map((count) => [count.analyzerId, count.completed]));
  return now.map((count) => ({ ...count, completed: count.completed - (earlier.get(count.analyzerId) ?? 0) }));
}

/** The furthest that any share is from its promise: 0 to 1. */
export function largestError(rows: readonly ShareRow[]): number {
  return Math.max(0, ...rows.map((row) => Math.abs(row.actual - row.expected)));
}
