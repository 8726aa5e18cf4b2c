import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration } from "./output/figures.ts";
import { parseBytes, parseDurationMs, parseNumber } from "./quantity.ts";

describe("durations", () => {
  it.each([
    ["1500", 1500],
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    [" 30 S ", 30_000],
  ])("reads %j as %d ms", (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(["", "s", "-5s", "5 weeks", "1s2", "NaN", "1e3"])("refuses %j", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  it("reads back every whole number of milliseconds", () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDurationMs(`${ms}`) === ms && parseDurationMs(`${ms}ms`) === ms));
  });
});

describe("sizes", () => {
  it.each([
    ["4096", 4096],
    ["64KiB", 65_536],
    ["16 mib", 16_777_216],
    ["1GiB", 1_073_741_824],
  ])("reads %j as %d bytes", (text, expected) => {
    expect(parseBytes(text)).toBe(expected);
  });

  it("refuses units of ten, which would be read differently by different people", () => {
    expect(parseBytes("16MB")).toBeUndefined();
  });
});

describe("numbers", () => {
  it.each(["0x10", "", "1_000", "Infinity", "four"])("refuses %j, which Number or parseFloat would take", (text) => {
    expect(parseNumber(text)).toBeUndefined();
  });

  it.each([
    ["0.4", 0.4],
    ["-3", -3],
    ["1e3", 1000],
    [".5", 0.5],
  ])("reads %j", (text, expected) => {
    expect(parseNumber(text)).toBe(expected);
  });
});

describe("quantities for people", () => {
  it.each([
    [12, "12ms"],
    [3400, "3.4s"],
    [59_990, "1m"],
    [310_000, "5m 10s"],
    [7_500_000, "2h 5m"],
    [273_600_000, "3d 4h"],
  ])("shows %d ms as %s", (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  it.each([
    [512, "512 B"],
    [1536, "1.5 KiB"],
    [16_777_216, "16.0 MiB"],
  ])("shows %d bytes as %s", (count, expected) => {
    expect(formatBytes(count)).toBe(expected);
  });
});
