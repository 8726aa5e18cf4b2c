import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compute, factorial, fibonacci } from "./compute.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

describe("a computation", () => {
  it("gives factorials exactly", async () => {
    expect(await runHandler(compute, { operation: "factorial", n: 25 })).toEqual({
      operation: "factorial",
      n: 25,
      value: "15511210043330985984000000",
      digits: 26,
    });
  });

  it("gives Fibonacci numbers exactly", async () => {
    expect(await runHandler(compute, { operation: "fibonacci", n: 100 })).toEqual({
      operation: "fibonacci",
      n: 100,
      value: "354224848179261915075",
      digits: 21,
    });
  });

  it("doubles", async () => {
    expect(await runHandler(compute, { operation: "double", value: -2.25 })).toEqual({
      operation: "double",
      value: -4.5,
    });
  });

  it("is quick at its limits", async () => {
    expect(await runHandler(compute, { operation: "factorial", n: 10_000 })).toMatchObject({ digits: 35_660 });
    expect(await runHandler(compute, { operation: "fibonacci", n: 100_000 })).toMatchObject({ digits: 20_899 });
  });

  it("begins with 0! = 1 and F(0) = 0", () => {
    expect([factorial(0), factorial(1), fibonacci(0), fibonacci(1), fibonacci(2)]).toEqual([1n, 1n, 0n, 1n, 1n]);
  });

  it("obeys the recurrences", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2000 }), (n) => {
        expect(fibonacci(n)).toBe(fibonacci(n - 1) + fibonacci(n - 2));
        expect(factorial(n)).toBe(BigInt(n) * factorial(n - 1));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    [{ operation: "factorial", n: 10_001 }, /n: .*10000/],
    [{ operation: "factorial", n: -1 }, /n: /],
    [{ operation: "fibonacci", n: 1.5 }, /n: /],
    [{ operation: "fibonacci", n: 100_001 }, /n: .*100000/],
    [{ operation: "double", value: "2" }, /value: .*expected number/],
    [{ operation: "double", value: 1e308 }, /value: /],
    [{ operation: "root", n: 4 }, /operation: /],
    [7, /expected object/],
  ])("refuses %j for good", async (payload, message) => {
    const error = await failureOf(compute, payload);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(/^expected JSON like {"operation": "factorial", "n": 20}/);
    expect(error.message).toMatch(message);
  });
});
