/**
 * Responsible for: how long a failed task waits for its next attempt.
 *
 * Exponential backoff with full jitter, after Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015:
 * tasks that failed together because of one cause do not come back together.
 */
import type { RetryPolicy } from "./task.ts";

/**
 * Whole milliseconds to wait after the given number of failed attempts (at least 1): evenly distributed from 0 to
 * initialBackoffMs * backoffFactor ^ (failedAttempts - 1), or to maxBackoffMs if that is less. `random` gives numbers from
 * 0 up to, but not including, 1.
 */
export function backoffMs(policy: RetryPolicy, failedAttempts: number, random: () => number): number {
  // The power may be Infinity, which the cap takes care of, but 0 * Infinity is not a number.
  if (policy.initialBackoffMs === 0) return 0;
  const boundMs = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * policy.backoffFactor ** (failedAttempts - 1));
  return Math.floor(random() * (Math.floor(boundMs) + 1));
}
