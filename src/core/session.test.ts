import { expect, test } from "vitest";
import { next, type SessionEvent, type SessionState } from "./session.ts";

const STATES: readonly SessionState[] = ["OPENING", "ATTACHED", "DRAINING", "DETACHED", "GONE"];
const EVENTS: readonly SessionEvent[] = ["hello", "drain", "finish", "break", "expire", "replace"];

const LEGAL: ReadonlyMap<string, SessionState> = new Map([
  ["OPENING hello", "ATTACHED"],
  ["OPENING finish", "GONE"],
  ["OPENING break", "DETACHED"],
  ["OPENING replace", "GONE"],
  ["OPENING expire", "GONE"],
  ["ATTACHED drain", "DRAINING"],
  ["ATTACHED finish", "GONE"],
  ["ATTACHED break", "DETACHED"],
  ["ATTACHED expire", "GONE"],
  ["ATTACHED replace", "GONE"],
  ["DRAINING finish", "GONE"],
  ["DRAINING break", "DETACHED"],
  ["DRAINING expire", "GONE"],
  ["DRAINING replace", "GONE"],
  ["DETACHED expire", "GONE"],
  ["DETACHED replace", "GONE"],
]);

const PAIRS = STATES.flatMap((state) => EVENTS.map((event) => ({ state, event, to: LEGAL.get(`${state} ${event}`) })));

test.each(PAIRS.filter(({ to }) => to !== undefined))("$state, $event: $to", ({ state, event, to }) => {
  expect(next(state, event)).toBe(to);
});

test.each(PAIRS.filter(({ to }) => to === undefined))("$state, $event: refused", ({ state, event }) => {
  expect(() => next(state, event)).toThrow(new Error(`a session that is ${state} cannot ${event}`));
});

test("16 of the 30 pairs are legal", () => {
  expect(PAIRS.filter(({ to }) => to !== undefined)).toHaveLength(16);
});
