/** What happened per second between two looks at a node: rates come from totals, which only grow while the node runs. */
import type { GetStatsResponse, QueueTotals } from "@sluice/client/contract";

/** A look at the figures, with when it was taken: two of them give rates. */
export interface Look {
  readonly stats: GetStatsResponse;
  /** A clock that never jumps. */
  readonly atMs: number;
}

/** Tasks per second of a queue. */
export interface QueueRate {
  readonly submitted: number;
  readonly completed: number;
}

/** The looks are closer together than clocks can tell: no rate is sensible. */
const SHORTEST_STRETCH_MS = 1;

/** Rates of each queue by name. Those of a queue that was not there before count from nothing. */
export function ratesBetween(earlier: Look, look: Look): Map<string, QueueRate> {
  const seconds = Math.max(SHORTEST_STRETCH_MS, look.atMs - earlier.atMs) / 1000;
  const before = new Map(earlier.stats.queues.map((queue) => [queue.name, queue.totals]));
  return new Map(look.stats.queues.map(({ name, totals }) => [name, queueRate(before.get(name), totals, seconds)]));
}

function queueRate(before: QueueTotals | undefined, now: QueueTotals | undefined, seconds: number): QueueRate {
  // Totals start again with the node: what went backwards counts as nothing.
  const rate = (later = 0, earlier = 0): number => Math.max(0, later - earlier) / seconds;
  return {
    submitted: rate(now?.submitted, before?.submitted),
    completed: rate(now?.completed, before?.completed),
  };
}
