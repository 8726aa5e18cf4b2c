/** Tables for a given width: columns that matter less give way. */
import { visibleLength } from "./colour.ts";
import { type Column, formatTable } from "./table.ts";

/** A column that may give way. */
export interface RankedColumn extends Column {
  /** Columns of the highest rank go first; those of rank 0 always stay. */
  readonly rank: number;
}

/** The table with as many columns as fit, most important first. May still be too wide when only rank 0 is left. */
export function fittingTable(
  columns: readonly RankedColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const ranks = [...new Set(columns.map(({ rank }) => rank))].sort((a, b) => b - a);
  let lines: string[] = [];
  for (const highest of ranks) {
    const kept = columns.flatMap((column, index) => (column.rank <= highest ? [index] : []));
    lines = formatTable(
      columns.filter((_, index) => kept.includes(index)),
      rows.map((row) => kept.map((index) => row[index] ?? "")),
    );
    if (widest(lines) <= width) break;
  }
  return lines;
}

/** Characters that the longest line takes on the screen. */
export function widest(lines: readonly string[]): number {
  return Math.max(0, ...lines.map(visibleLength));
}
