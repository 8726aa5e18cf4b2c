/**
 * `compute`: exact arithmetic.
 *
 * Payload: JSON `{"operation": "factorial", "n": 20}`, `{"operation": "fibonacci", "n": 90}` or
 * `{"operation": "double", "value": 21}`.
 *
 * The limits keep a computation well below the lease time, because nothing else runs meanwhile.
 */
import type { Handler } from "@sluice/client";
import { z } from "zod";
import { readJson } from "./payload.ts";

/** Its factorial has 35,660 digits. */
const MAX_FACTORIAL = 10_000;
/** This Fibonacci number has 20,899 digits. */
const MAX_FIBONACCI = 100_000;
/** Twice as much is still a number. */
const MAX_DOUBLED = Number.MAX_VALUE / 2;

const PAYLOAD = z.discriminatedUnion("operation", [
  z.strictObject({ operation: z.literal("factorial"), n: z.int().min(0).max(MAX_FACTORIAL) }),
  z.strictObject({ operation: z.literal("fibonacci"), n: z.int().min(0).max(MAX_FIBONACCI) }),
  z.strictObject({ operation: z.literal("double"), value: z.number().min(-MAX_DOUBLED).max(MAX_DOUBLED) }),
]);
const EXPECTED =
  `JSON like {"operation": "factorial", "n": 20} with n of 0 to ${MAX_FACTORIAL}, {"operation": "fibonacci", "n": 90} ` +
  `with n of 0 to ${MAX_FIBONACCI}, or {"operation": "double", "value": 21}`;

/** A whole number of any size: in digits, since JSON numbers are exact only up to 2^53. */
export interface BigResult {
  readonly operation: "factorial" | "fibonacci";
  readonly n: number;
  readonly value: string;
  readonly digits: number;
}

/** A number. */
export interface DoubleResult {
  readonly operation: "double";
  readonly value: number;
}

/** See the top of the file. */
export const compute: Handler = (task): BigResult | DoubleResult => {
  const input = readJson(task, PAYLOAD, EXPECTED);
  if (input.operation === "double") return { operation: "double", value: input.value * 2 };
  const { operation, n } = input;
  const value = (operation === "factorial" ? factorial(n) : fibonacci(n)).toString();
  return { operation, n, value, digits: value.length };
};

/** n! for n >= 0. */
export function factorial(n: number): bigint {
  return productOf(1, n);
}

/** The product of all whole numbers from `from` to `to`, 1 if there are none. Halves are of like size, so products are cheap. */
function productOf(from: number, to: number): bigint {
  if (from > to) return 1n;
  if (from === to) return BigInt(from);
  const middle = Math.floor((from + to) / 2);
  return productOf(from, middle) * productOf(middle + 1, to);
}

/**
 * The n-th Fibonacci number for n >= 0, by fast doubling: F(2k) = F(k) (2 F(k+1) - F(k)) and
 * F(2k+1) = F(k)² + F(k+1)² (E. W. Dijkstra, "In honour of Fibonacci", EWD 654, 1978).
 */
export function fibonacci(n: number): bigint {
  return fibonacciPair(n)[0];
}

/** F(n) and F(n+1). */
function fibonacciPair(n: number): readonly [bigint, bigint] {
  if (n === 0) return [0n, 1n];
  const [half, afterHalf] = fibonacciPair(Math.floor(n / 2));
  const even = half * (2n * afterHalf - half);
  const odd = half * half + afterHalf * afterHalf;
  return n % 2 === 0 ? [even, odd] : [odd, even + odd];
}
