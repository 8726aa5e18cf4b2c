import { describe, expect, it } from "vitest";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { Screen } from "./screen.ts";

describe("the screen", () => {
  it("C1: gives the terminal back once, whoever leaves it", () => {
    const { out } = collectingTerminal();
    const listeners = process.listenerCount("exit");
    const screen = new Screen(out);
    expect(process.listenerCount("exit")).toBe(listeners + 1);
    screen.leave();
    screen.leave();
    screen.draw(["late"]);
    expect(process.listenerCount("exit")).toBe(listeners);
    expect(out.text).toBe("\u001b[?1049h\u001b[?25l\u001b[?25h\u001b[?1049l");
  });

  it("C2: overwrites in place and clears what is left of an earlier drawing", () => {
    const { out } = collectingTerminal();
    const screen = new Screen(out);
    out.text = "";
    screen.draw(["a", "b"]);
    screen.leave();
    expect(out.text.startsWith("\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J")).toBe(true);
  });
});
