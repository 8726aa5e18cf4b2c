/**
 * How long to wait before the next try: exponential with full jitter, so that many clients that lost one node do not
 * return in step (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */

/** Bounds of the wait. */
export interface BackoffBounds {
  /** Upper bound of the wait before the first retry. */
  readonly initialMs: number;
  /** The bound doubles with each further retry up to this. */
  readonly maxMs: number;
}

/**
 * The wait before retry number `retry` (from 1).
 * @param random - from [0, 1)
 */
export function backoffMs(bounds: BackoffBounds, retry: number, random: number): number {
  return random * Math.min(bounds.maxMs, bounds.initialMs * 2 ** (retry - 1));
}
