/**
 * Colour for people who look at a terminal.
 *
 * Follows https://no-color.org: NO_COLOR set to anything but nothing means none.
 */
import type { Output, Terminal } from "../terminal.ts";

/** Marks text for the eye. Without colour each returns its text as it is. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const ESCAPE = "\u001b[";

function sgr(code: number): (text: string) => string {
  return (text) => `${ESCAPE}${code}m${text}${ESCAPE}0m`;
}

const coloured: Palette = { bold: sgr(1), dim: sgr(2), good: sgr(32), bad: sgr(31) };

const asIs = (text: string): string => text;
const plain: Palette = { bold: asIs, dim: asIs, good: asIs, bad: asIs };

/** Whether colour may be written to one of the terminal's outputs. */
export function colourAllowed(output: Output, env: Terminal["env"]): boolean {
  const { NO_COLOR, TERM } = env;
  const refused = NO_COLOR !== undefined && NO_COLOR !== "";
  return output.isTerminal && !refused && TERM !== "dumb";
}

/** The palette for one of the terminal's outputs. */
export function paletteFor(output: Output, env: Terminal["env"]): Palette {
  return colourAllowed(output, env) ? coloured : plain;
}

/** Characters that a text takes on the screen: colour takes none. */
export function visibleLength(text: string): number {
  let length = 0;
  let rest = text;
  for (let start = rest.indexOf(ESCAPE); start >= 0; start = rest.indexOf(ESCAPE)) {
    length += start;
    rest = rest.slice(rest.indexOf("m", start) + 1);
  }
  return length + rest.length;
}

/** A line cut to what fits into `columns`; colour that was begun is ended. */
export function clip(line: string, columns: number): string {
  if (visibleLength(line) <= columns) return line;
  let shown = "";
  let room = columns;
  let rest = line;
  while (rest !== "") {
    const start = rest.indexOf(ESCAPE);
    const text = start < 0 ? rest : rest.slice(0, start);
    shown += text.slice(0, room);
    room -= Math.min(room, text.length);
    if (start < 0) break;
    // Codes take no room and are all kept: the last one ends what an earlier one began.
    const end = rest.indexOf("m", start) + 1;
    shown += rest.slice(start, end);
    rest = rest.slice(end);
  }
  return shown;
}
