import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyse } from "./log-handler.ts";
import { makeLogMessage } from "./log-message.ts";

describe("the analysis of a log message", () => {
  it("finds status, duration and address of a request", () => {
    expect(analyse("info", "cart", "GET /v1/cart/items 200 in 1200 ms from 10.0.3.7")).toEqual({
      severity: "medium",
      source: "cart",
      addresses: ["10.0.3.7"],
      httpStatus: 200,
      slowestMs: 1200,
    });
  });

  it("takes every error for grave", () => {
    expect(analyse("error", "payments", "payment 123456 declined: insufficient funds")).toEqual({
      severity: "high",
      source: "payments",
      addresses: [],
    });
  });
});

describe("made log messages", () => {
  it("are complete and repeatable from the same numbers", () => {
    const time = new Date(0);
    const numbers = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (values) => {
        const replay = () => {
          let next = 0;
          return makeLogMessage(() => values[next++ % values.length] ?? 0, time);
        };
        const message = replay();
        expect(message).toEqual(replay());
        expect(message.message).not.toBe("");
        expect(message.source).not.toBe("");
        expect(message.message).not.toContain("undefined|NaN");
      }),
    );
  });
});
