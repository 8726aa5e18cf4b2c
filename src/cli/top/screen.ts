/**
 * A screen of its own for a view that is drawn again and again.
 *
 *  C1  However the program ends, SIGKILL aside, the cursor is back and what was on the screen before is there again.
 *  C2  A drawing overwrites the one before in place: nothing flickers.
 */
import type { Output } from "../terminal.ts";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const TOP_LEFT = "\u001b[H";
const CLEAR_LINE_REST = "\u001b[K";
const CLEAR_SCREEN_REST = "\u001b[J";

/** The screen. It is there from its making until `leave`. */
export class Screen {
  readonly #output: Output;
  readonly #leaveAtExit = (): void => this.leave();
  #isLeft = false;

  constructor(output: Output) {
    this.#output = output;
    process.once("exit", this.#leaveAtExit);
    output.write(ENTER);
  }

  /** Shows these lines and nothing else. */
  draw(lines: readonly string[]): void {
    if (this.#isLeft) return;
    this.#output.write(TOP_LEFT + lines.map((line) => line + CLEAR_LINE_REST).join("\r\n") + CLEAR_SCREEN_REST);
  }

  /** Gives the terminal back as it was. Idempotent. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    process.off("exit", this.#leaveAtExit);
    this.#output.write(LEAVE);
  }
}
