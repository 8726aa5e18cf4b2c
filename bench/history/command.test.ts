/** The options that all benches share. */
import { expect, test } from "vitest";
import { parseCommandOptions, UsageError } from "./command.ts";

test("without options a bench decides for itself", () => {
  expect(parseCommandOptions([], [])).toEqual({
    repetitions: undefined,
    quick: false,
    reportFile: undefined,
    note: undefined,
    own: {},
  });
});

test("a bench's own options are handed to it", () => {
  const args = ["--reps", "5", "--quick", "--report", "a.json", "--note", "busy", "--only", "sluice"];
  expect(parseCommandOptions(args, ["only"])).toEqual({
    repetitions: 5,
    quick: true,
    reportFile: "a.json",
    note: "busy",
    own: { only: "sluice" },
  });
});

test("help comes before everything else", () => {
  expect(parseCommandOptions(["--help"], [])).toBeUndefined();
});

test.each([[["--reps", "0"]], [["--reps", "1.5"]], [["--reps", ""]], [["--wrong"]], [["stray"]]])(
  "%j is refused",
  (args) => {
    expect(() => parseCommandOptions(args, [])).toThrow(UsageError);
  },
);
