/** Values of options, checked while the command line is read: a wrong one ends with a usage error that names the option. */
import { InvalidArgumentError } from "commander";
import { parseDurationMs, parseNumber } from "../quantity.ts";

/** The longest wait of a timer, in milliseconds; a longer one would end at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value === undefined || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A weight: greater than 0. */
export function weight(text: string): number {
  const value = parseNumber(text);
  if (value === undefined || value <= 0)
    throw new InvalidArgumentError("Expected a number greater than 0, such as 0.4.");
  return value;
}

/** A duration in milliseconds, written as 1500, 500ms, 30s, 5m, 2h or 1d. */
export function durationMs(text: string): number {
  const value = parseDurationMs(text);
  if (value === undefined) throw new InvalidArgumentError("Expected a duration such as 500ms, 30s, 5m or 1d.");
  return value;
}

/** A duration that this program waits for itself: timers of Node.js take no more than 24 days. */
export function timerMs(text: string): number {
  const value = durationMs(text);
  if (value > MAX_TIMER_MS) throw new InvalidArgumentError("Expected at most 24d.");
  return value;
}

/** KEY=VALUE, collected over repeated use. */
export function keyValue(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const split = text.indexOf("=");
  if (split < 1) throw new InvalidArgumentError("Expected KEY=VALUE.");
  return { ...before, [text.slice(0, split)]: text.slice(split + 1) };
}

/** Text, collected over repeated use and split at commas. */
export function textList(text: string, before: readonly string[] = []): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.some((item) => item === "")) throw new InvalidArgumentError("Expected names, separated by commas.");
  return [...before, ...items];
}
