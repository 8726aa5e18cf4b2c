import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CreditWindow, defaultMaxInFlight } from "./credit.ts";

function figures({ credit, inFlight }: CreditWindow): [number, number] {
  return [credit, inFlight];
}

describe("a credit window", () => {
  test("is empty at first", () => {
    const window = new CreditWindow(4);
    expect(window.max).toBe(4);
    expect(figures(window)).toEqual([0, 0]);
  });

  test("takes grants up to its size, and none of one that is too large (W2)", () => {
    const window = new CreditWindow(4);
    expect(window.grant(3)).toBe(true);
    expect(window.grant(2)).toBe(false);
    expect(figures(window)).toEqual([3, 0]);
    expect(window.grant(1)).toBe(true);
    expect(window.grant(1)).toBe(false);
    expect(figures(window)).toEqual([4, 0]);
  });

  test("counts what is in flight against its size", () => {
    const window = new CreditWindow(2);
    window.grant(2);
    window.spend();
    expect(figures(window)).toEqual([1, 1]);
    expect(window.grant(1)).toBe(false);
    window.answer();
    expect(figures(window)).toEqual([1, 0]);
    expect(window.grant(1)).toBe(true);
    expect(figures(window)).toEqual([2, 0]);
  });

  test("gets nothing by an answer, and its credit back by a refund (W3)", () => {
    const window = new CreditWindow(2);
    window.grant(2);
    window.spend();
    window.spend();
    window.answer();
    expect(figures(window)).toEqual([0, 1]);
    window.refund();
    expect(figures(window)).toEqual([1, 0]);
  });

  test("can be overfilled by adopted leases only, and then takes no grant but an empty one", () => {
    const window = new CreditWindow(1);
    window.adopt();
    window.adopt();
    expect(figures(window)).toEqual([0, 2]);
    expect(window.grant(1)).toBe(false);
    expect(window.grant(0)).toBe(true);
    window.answer();
    expect(window.grant(1)).toBe(false);
    window.answer();
    expect(window.grant(1)).toBe(true);
    expect(figures(window)).toEqual([1, 0]);
  });

  test("loses its credit when cleared, and keeps what is in flight", () => {
    const window = new CreditWindow(3);
    window.grant(3);
    window.spend();
    window.clear();
    expect(figures(window)).toEqual([0, 1]);
  });

  test("throws when it is used wrongly", () => {
    const window = new CreditWindow(1);
    expect(() => window.spend()).toThrow(new Error("there is no credit to spend"));
    expect(() => window.answer()).toThrow(new Error("there is no lease in flight"));
    expect(() => window.refund()).toThrow(new Error("there is no lease in flight"));
    expect(() => window.grant(-1)).toThrow(new Error("a grant must be a whole number of at least 0, got -1"));
    expect(() => window.grant(0.5)).toThrow(new Error("a grant must be a whole number of at least 0, got 0.5"));
    expect(figures(window)).toEqual([0, 0]);
    expect(() => new CreditWindow(0)).toThrow(new Error("a window must be a whole number of at least 1, got 0"));
    expect(() => new CreditWindow(1.5)).toThrow(new Error("a window must be a whole number of at least 1, got 1.5"));
  });

  test("agrees with two plain counters after any use (W1, W2)", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("grant"), n: fc.nat(6) }),
        fc.record({ kind: fc.constantFrom("spend", "answer", "refund", "adopt", "clear"), n: fc.constant(0) }),
      ),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), steps, (max, sequence) => {
        const window = new CreditWindow(max);
        let credit = 0;
        let inFlight = 0;
        for (const { kind, n } of sequence) {
          if (kind === "grant") {
            const fits = n === 0 || credit + inFlight + n <= max;
            expect(window.grant(n)).toBe(fits);
            if (fits) credit += n;
          } else if (kind === "spend" && credit > 0) {
            window.spend();
            credit -= 1;
            inFlight += 1;
          } else if (kind === "answer" && inFlight > 0) {
            window.answer();
            inFlight -= 1;
          } else if (kind === "refund" && inFlight > 0) {
            window.refund();
            inFlight -= 1;
            credit += 1;
          } else if (kind === "adopt") {
            window.adopt();
            inFlight += 1;
          } else if (kind === "clear") {
            window.clear();
            credit = 0;
          }
          expect(figures(window)).toEqual([credit, inFlight]);
        }
      }),
    );
  });
});

test.each([
  [0.4, 4],
  [0.1, 1],
  [0.01, 1],
  [0.25, 3],
  [1, 10],
  [1_000_000, 10_000_000],
])("weight %d keeps %d in flight by default", (weight, max) => {
  expect(defaultMaxInFlight(weight)).toBe(max);
});

test("there is room while there is credit and fewer leases than max", () => {
  const window = new CreditWindow(2);
  expect(window.hasRoom).toBe(false);
  window.grant(1);
  expect(window.hasRoom).toBe(true);
  window.spend();
  expect(window.hasRoom).toBe(false);
});

test("a smaller max lets credit rest until leases are answered; a larger one permits more grants", () => {
  const window = new CreditWindow(3);
  window.grant(3);
  window.spend();
  window.resize(1);
  expect([window.max, window.credit, window.hasRoom]).toEqual([1, 2, false]);
  expect(window.grant(1)).toBe(false);
  window.answer();
  expect(window.hasRoom).toBe(true);
  // Granted before the analyzer heard of the smaller max.
  expect(window.grant(1)).toBe(true);
  window.resize(5);
  expect([window.grant(3), window.grant(2)]).toEqual([false, true]);
  expect(() => window.resize(0)).toThrow("a window must be a whole number of at least 1, got 0");
});
