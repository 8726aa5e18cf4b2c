/** The command line of the bench. */
import { expect, test } from "vitest";
import { OptionsError, parseOptions } from "./options.ts";

test("without options a durable closed-loop run of 100,000 tasks is asked for", () => {
  expect(parseOptions([])).toMatchObject({
    tasks: 100_000,
    durationMs: 0,
    weights: [0.4, 0.3, 0.2, 0.1],
    ratePerSecond: 0,
    address: undefined,
    store: "lmdb",
  });
});

test("a duration lifts the limit of tasks unless one is named", () => {
  expect(parseOptions(["--duration", "1.5"])).toMatchObject({ durationMs: 1500, tasks: 1_000_000_000 });
  expect(parseOptions(["--duration", "2", "--tasks", "10"])).toMatchObject({ durationMs: 2000, tasks: 10 });
});

test("a smoke run is small whatever else is asked for", () => {
  expect(parseOptions(["--smoke", "--tasks", "1000000"])).toMatchObject({ smoke: true, tasks: 2000 });
});

test("help asks for no run", () => {
  expect(parseOptions(["--help"])).toBeUndefined();
});

test.each([
  [["--tasks", "0"], "--tasks is '0'"],
  [["--tasks", "1.5"], "whole number"],
  [["--tasks", "many"], "--tasks is 'many'"],
  [["--analyzers", "0.4,,0.1"], "--analyzers is ''"],
  [["--analyzers", "0.4,0"], "greater than 0"],
  [["--payload-bytes", "4"], "from 16"],
  [["--store", "disk"], "expected lmdb or memory"],
  [["--speed", "9"], "--speed"],
  [["--smoke", "--json", "x.json"], "leave out --json"],
])("%j is refused", (args, message) => {
  expect(() => parseOptions(args)).toThrow(OptionsError);
  expect(() => parseOptions(args)).toThrow(message);
});
