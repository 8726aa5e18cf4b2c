/** A share as a bar: what it is against what it should be. */

/** Stands where the share should end. */
const MARK = "|";

/**
 * A bar of `width` characters: filled up to `observed`, with a mark where `expected` is.
 * @param full what a bar filled to its end stands for, above 0
 */
export function shareBar(observed: number, expected: number, full: number, width: number): string {
  const filled = Math.round(width * Math.min(1, observed / full));
  const bar = "#".repeat(filled) + "-".repeat(width - filled);
  // The mark takes the last place that a bar of the expected share would fill.
  const mark = Math.max(0, Math.round(width * Math.min(1, expected / full)) - 1);
  return bar.slice(0, mark) + MARK + bar.slice(mark + 1);
}
