/** One line that is drawn again and again. Only on a terminal: elsewhere nothing is drawn. */
import type { Output } from "../terminal.ts";

/** Redraws closer together than this are left out: people cannot see them and terminals are slow. */
const REDRAW_MS = 100;
const RETURN_AND_CLEAR = "\r\u001b[K";

/** A line that shows how far something is. */
export class ProgressBar {
  readonly #output: Output;
  readonly #nowMs: () => number;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #drawn = false;

  /** @param nowMs a clock that never jumps */
  constructor(output: Output, nowMs: () => number) {
    this.#output = output;
    this.#nowMs = nowMs;
  }

  /** Shows `done` of `total`; an unknown total shows the count alone. */
  update(done: number, total: number | undefined, note: string): void {
    if (!this.#output.isTerminal) return;
    const nowMs = this.#nowMs();
    if (nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    this.#drawn = true;
    this.#output.write(RETURN_AND_CLEAR + progressLine(done, total, note, this.#output.columns));
  }

  /** Writes a line that stays, and the bar below it at its next update. */
  note(line: string): void {
    this.clear();
    this.#output.write(`${line}\n`);
  }

  /** Takes the line away, so that other output can follow. */
  clear(): void {
    if (!this.#drawn) return;
    this.#drawn = false;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    this.#output.write(RETURN_AND_CLEAR);
  }
}

/** The line itself, never wider than the terminal. */
export function progressLine(done: number, total: number | undefined, note: string, columns: number): string {
  const count = total === undefined ? `${done}` : `${done}/${total}`;
  const text = note === "" ? count : `${count}  ${note}`;
  const width = Math.min(40, columns - text.length - 6);
  if (total === undefined || total === 0 || width < 10) return text.slice(0, Math.max(0, columns - 1));
  const filled = Math.round(width * Math.min(1, done / total));
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}]  ${text}`;
}
