import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { DEFAULT_RETRY, MAX_ATTEMPTS, MAX_BACKOFF_MS } from "./limits.ts";

/** The largest number that a generator of [0, 1) gives. */
const ALMOST_ONE = 1 - 2 ** -53;

const policies = fc.record({
  maxAttempts: fc.integer({ min: 1, max: MAX_ATTEMPTS }),
  initialBackoffMs: fc.integer({ min: 0, max: MAX_BACKOFF_MS }),
  backoffFactor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxBackoffMs: fc.integer({ min: 0, max: MAX_BACKOFF_MS }),
});

test.each([
  [1, 1000],
  [2, 2000],
  [3, 4000],
  [6, 32_000],
  [7, 60_000],
  [100, 60_000],
])("by default attempt %d waits for up to %d ms", (failedAttempts, boundMs) => {
  expect(backoffMs(DEFAULT_RETRY, failedAttempts, () => ALMOST_ONE)).toBe(boundMs);
  expect(backoffMs(DEFAULT_RETRY, failedAttempts, () => 0.5)).toBe(Math.floor((boundMs + 1) / 2));
  expect(backoffMs(DEFAULT_RETRY, failedAttempts, () => 0)).toBe(0);
});

test("the factor may be 1 or broken; the wait is whole", () => {
  const policy = { maxAttempts: 9, initialBackoffMs: 100, backoffFactor: 1.5, maxBackoffMs: 1000 };
  expect(backoffMs(policy, 4, () => ALMOST_ONE)).toBe(337);
  expect(backoffMs({ ...policy, backoffFactor: 1 }, 50, () => ALMOST_ONE)).toBe(100);
});

test("a cap below the initial bound holds from the first attempt", () => {
  const policy = { maxAttempts: 3, initialBackoffMs: 5000, backoffFactor: 2, maxBackoffMs: 300 };
  expect(backoffMs(policy, 1, () => ALMOST_ONE)).toBe(300);
});

test("no backoff stays none however many attempts failed", () => {
  const policy = { maxAttempts: 100, initialBackoffMs: 0, backoffFactor: 1e300, maxBackoffMs: 1000 };
  expect(backoffMs(policy, 100, () => ALMOST_ONE)).toBe(0);
});

test("a power beyond all numbers meets the cap", () => {
  const policy = { maxAttempts: 100, initialBackoffMs: 1, backoffFactor: 1e300, maxBackoffMs: 1000 };
  expect(backoffMs(policy, 100, () => ALMOST_ONE)).toBe(1000);
});

test("the wait is a whole number from 0 to the cap, and its bound never falls with more failures", () => {
  const randoms = fc.double({ min: 0, max: ALMOST_ONE, noNaN: true });
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: MAX_ATTEMPTS }), randoms, (policy, failedAttempts, random) => {
      const waitMs = backoffMs(policy, failedAttempts, () => random);
      expect(Number.isSafeInteger(waitMs)).toBe(true);
      expect(waitMs).toBeGreaterThanOrEqual(0);
      expect(waitMs).toBeLessThanOrEqual(policy.maxBackoffMs);
      expect(backoffMs(policy, failedAttempts + 1, () => random)).toBeGreaterThanOrEqual(waitMs);
    }),
  );
});

test("every whole wait is equally likely (full jitter)", () => {
  const policy = { maxAttempts: 2, initialBackoffMs: 9, backoffFactor: 1, maxBackoffMs: 9 };
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 1000; i++) {
    const waitMs = backoffMs(policy, 1, () => i / 1000);
    counts[waitMs] = (counts[waitMs] ?? 0) + 1;
  }
  expect(counts).toEqual(new Array<number>(10).fill(100));
});
