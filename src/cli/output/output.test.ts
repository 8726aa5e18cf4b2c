import { describe, expect, it } from "vitest";
import type { Output } from "../terminal.ts";
import { clip, paletteFor, visibleLength } from "./colour.ts";
import { ProgressBar, progressLine } from "./progress-bar.ts";
import { formatPairs, formatTable, numberColumn, textColumn } from "./table.ts";

function collector(isTerminal: boolean): Output & { written: string } {
  return {
    written: "",
    isTerminal,
    columns: 60,
    rows: 24,
    write(text) {
      this.written += text;
    },
  };
}

describe("a table", () => {
  it("aligns text to the left and numbers to the right, without trailing space", () => {
    const lines = formatTable(
      [textColumn("ANALYZER"), numberColumn("DONE"), textColumn("NOTE")],
      [
        ["a1", "400", "fast"],
        ["analyzer-22", "5", ""],
      ],
    );
    expect(lines).toEqual([
      "ANALYZER     DONE  NOTE", //
      "a1            400  fast",
      "analyzer-22     5",
    ]);
  });

  it("is not shifted by colour", () => {
    const { good } = paletteFor(collector(true), {});
    const [, coloured, plain] = formatTable(
      [textColumn("STATE"), numberColumn("N")],
      [
        [good("ok"), "1"],
        ["ok", "1"],
      ],
    );
    expect(visibleLength(coloured ?? "")).toBe(plain?.length);
  });

  it("puts values of pairs below each other", () => {
    expect(
      formatPairs([
        ["id", "7"],
        ["state", "PENDING"],
      ]),
    ).toEqual(["id     7", "state  PENDING"]);
  });
});

describe("colour", () => {
  it.each([
    ["a terminal", true, {}, true],
    ["a pipe", false, {}, false],
    ["NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["an empty NO_COLOR", true, { NO_COLOR: "" }, true],
    ["a dumb terminal", true, { TERM: "dumb" }, false],
  ])("with %s", (_, isTerminal, env, expected) => {
    const text = paletteFor(collector(isTerminal), env).bad("x");
    expect(text !== "x").toBe(expected);
    expect(visibleLength(text)).toBe(1);
  });
});

describe("a line cut to the screen", () => {
  it("is left alone when it fits, and ends the colour that it began when it does not", () => {
    const { bad } = paletteFor(collector(true), {});
    expect(clip("four", 4)).toBe("four");
    expect(clip(`a ${bad("long word")} more`, 6)).toBe(`a ${bad("long")}`);
    expect(clip(bad("word"), 0)).toBe(bad(""));
  });
});

describe("the progress bar", () => {
  it("fills with what is done and fits the terminal", () => {
    expect(progressLine(50, 100, "120/s", 60)).toBe("[####################--------------------]  50/100  120/s");
    expect(progressLine(50, 100, "120/s", 60).length).toBeLessThan(60);
    expect(progressLine(50, undefined, "120/s", 60)).toBe("50  120/s");
    expect(progressLine(5, 10, "a long note that does not fit", 20).length).toBeLessThan(20);
  });

  it("draws nothing when nobody looks", () => {
    const output = collector(false);
    new ProgressBar(output, () => 0).update(1, 2, "");
    expect(output.written).toBe("");
  });

  it("makes room for a line that stays", () => {
    const output = collector(true);
    const bar = new ProgressBar(output, () => 0);
    bar.update(1, 10, "");
    bar.note("waiting");
    expect(output.written.endsWith("1/10\r\u001b[Kwaiting\n")).toBe(true);
  });

  it("leaves out what comes too fast and cleans up after itself", () => {
    const output = collector(true);
    let nowMs = 0;
    const bar = new ProgressBar(output, () => nowMs);
    bar.update(1, 10, "");
    bar.update(2, 10, "");
    nowMs = 150;
    bar.update(3, 10, "");
    bar.clear();
    bar.clear();
    expect(output.written.match(/\d+\/10/g)).toEqual(["1/10", "3/10"]);
    expect(output.written.endsWith("\r\u001b[K")).toBe(true);
  });
});
