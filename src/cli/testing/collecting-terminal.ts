/** A terminal for tests: keeps what is written, with the environment that a test gives it. */
import { Readable } from "node:stream";
import type { Output, Terminal } from "../terminal.ts";

/** An output that keeps what is written. */
export interface CollectedOutput extends Output {
  text: string;
}

/** A terminal whose outputs are kept and which is no screen. */
export interface CollectingTerminal extends Terminal {
  readonly out: CollectedOutput;
  readonly err: CollectedOutput;
}

/** Makes one. */
export function collectingTerminal(surroundings: Partial<Pick<Terminal, "env" | "input" | "directory">> = {}) {
  return {
    out: collectedOutput(),
    err: collectedOutput(),
    input: Readable.from([]),
    readKeys: () => () => {},
    onResize: () => () => {},
    env: {},
    directory: "/",
    ...surroundings,
  } satisfies CollectingTerminal;
}

function collectedOutput(): CollectedOutput {
  return {
    text: "",
    isTerminal: false,
    columns: 120,
    rows: 40,
    write(text) {
      this.text += text;
    },
  };
}
