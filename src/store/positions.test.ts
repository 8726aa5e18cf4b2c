/**
 * P1 and P2 of positions.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ID_BYTES,
  idOf,
  idPosition,
  newTaskPosition,
  numberPosition,
  READY_BYTES,
  readyPosition,
  TIMED_BYTES,
  timedPosition,
  timeOf,
} from "./positions.ts";

const tag = fc.double({ min: 0, max: 1e12, noNaN: true }).map((value) => value + 0);
const sequence = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const time = fc.oneof(fc.nat({ max: 2 ** 44 }), fc.double({ min: 0, max: 2 ** 44, noNaN: true }));

function compareTuples(a: readonly number[], b: readonly number[]): number {
  const difference = a.map((value, index) => value - (b[index] ?? 0)).find((value) => value !== 0);
  return Math.sign(difference ?? 0);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

describe("positions", () => {
  it("of dispatch order like priority (higher first), start tag, submission", () => {
    const place = fc.tuple(fc.nat({ max: 9 }), tag, sequence);
    fc.assert(
      fc.property(place, place, (a, b) => {
        const order = compareTuples([-a[0], a[1], a[2]], [-b[0], b[1], b[2]]);
        expect(compareTexts(readyPosition(...a), readyPosition(...b))).toBe(order);
        expect(readyPosition(...a)).toHaveLength(READY_BYTES);
      }),
    );
  });

  it("of time order like time, then submission, and give the time back", () => {
    const place = fc.tuple(time, sequence);
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(compareTexts(timedPosition(...a), timedPosition(...b))).toBe(compareTuples(a, b));
        expect(timedPosition(...a)).toHaveLength(TIMED_BYTES);
        expect(timeOf(timedPosition(...a))).toBe(a[0]);
      }),
    );
  });

  it("of numbers order like numbers", () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        expect(compareTexts(numberPosition(a), numberPosition(b))).toBe(compareTuples([a], [b]));
      }),
    );
  });

  it("of ids order like ids, and give the id back", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (a, b) => {
        expect(idOf(newTaskPosition(a))).toBe(a);
        expect(newTaskPosition(a)).toHaveLength(ID_BYTES);
        expect(compareTexts(newTaskPosition(a), newTaskPosition(b))).toBe(compareTexts(a, b));
      }),
    );
  });

  it("exist for canonical UUIDs only", () => {
    const id = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    expect(idPosition(id)).toBeDefined();
    const others = [id.toUpperCase(), id.slice(1), `${id}0`, id.replaceAll("-", ""), id.replace("-", "0"), ""];
    for (const other of [...others, id.replace("a", "g"), id.replace("a", "ġ"), `{${id.slice(2)}}`]) {
      expect(idPosition(other)).toBeUndefined();
      expect(() => newTaskPosition(other)).toThrow(TypeError);
    }
  });
});
