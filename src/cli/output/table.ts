/** Tables in plain text: two spaces between columns, numbers to the right, no frame. */
import { visibleLength } from "./colour.ts";

/** A column: its heading and which side its cells keep to. */
export interface Column {
  readonly heading: string;
  readonly align: "left" | "right";
}

/** A column of text. */
export function textColumn(heading: string): Column {
  return { heading, align: "left" };
}

/** A column of numbers. */
export function numberColumn(heading: string): Column {
  return { heading, align: "right" };
}

/** The table as lines, the headings first. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, index) =>
    Math.max(column.heading.length, ...rows.map((row) => visibleLength(row[index] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => pad(cells[index] ?? "", widths[index] ?? 0, column.align))
      .join("  ")
      .trimEnd();
  return [line(columns.map((column) => column.heading)), ...rows.map(line)];
}

/** Names and values as lines, the values below each other. */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd());
}

function pad(cell: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - visibleLength(cell)));
  return align === "left" ? cell + space : space + cell;
}
