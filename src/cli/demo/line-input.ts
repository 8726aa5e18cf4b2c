/** Answers that somebody types, or that come from a pipe, a line each; several words on a line answer what is asked next. */
import { createInterface, type Interface } from "node:readline";
import type { Terminal } from "../terminal.ts";

/** See the top of the file. */
export class LineInput {
  readonly #terminal: Terminal;
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  #words: string[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  /** @param signal ends the input */
  constructor(terminal: Terminal, signal: AbortSignal) {
    this.#terminal = terminal;
    this.#reader = createInterface({ input: terminal.input });
    this.#reader.on("line", (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#reader.once("close", () => {
      this.#isOver = true;
      this.#wake?.();
    });
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  /** Asks for one word. Undefined when there is no more input. */
  async ask(question: string): Promise<string | undefined> {
    const word = this.#words.shift();
    if (word !== undefined) return word;
    const { out } = this.#terminal;
    out.write(`${question}: `);
    const line = await this.#nextLine();
    // What comes from a pipe is not to be seen otherwise.
    if (!out.isTerminal || line === undefined) out.write(`${line ?? ""}\n`);
    if (line === undefined) return undefined;
    this.#words = line.split(/\s+/).filter((each) => each !== "");
    return this.#words.shift() ?? "";
  }

  /** Leaves out what is left of the line: its words belonged to something that did not work out. */
  forgetLine(): void {
    this.#words = [];
  }

  /** Takes no more input. Idempotent. */
  close(): void {
    this.#reader.close();
  }

  async #nextLine(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }
}
