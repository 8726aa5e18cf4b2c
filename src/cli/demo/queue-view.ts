/** What the demo looks at of the node's statistics. */
import { AnalyzerState, type GetStatsResponse } from "@sluice/client/contract";
import { DEMO_QUEUE } from "./cluster.ts";
import type { AnalyzerCount } from "./shares.ts";

/** The demo's queue and analyzers at one moment. */
export interface QueueView {
  readonly completed: number;
  readonly failed: number;
  /** Not completed and with no analyzer. */
  readonly waiting: number;
  readonly running: number;
  /** Deliveries lost with their analyzer. */
  readonly lost: number;
  /** Ids of the analyzers with a live stream. */
  readonly attached: readonly string[];
  /** Per analyzer, those that are gone included, by id. */
  readonly analyzers: readonly (AnalyzerCount & { readonly inFlight: number })[];
}

/** Takes the demo's part out of the statistics. */
export function queueView(stats: GetStatsResponse): QueueView {
  const queue = stats.queues.find((each) => each.name === DEMO_QUEUE);
  const counts = queue?.counts;
  return {
    completed: queue?.totals?.completed ?? 0,
    failed: counts?.failed ?? 0,
    waiting: (counts?.pending ?? 0) + (counts?.scheduled ?? 0) + (counts?.retrying ?? 0),
    running: counts?.running ?? 0,
    lost: queue?.totals?.lost ?? 0,
    attached: stats.analyzers.filter(({ state }) => state === AnalyzerState.ATTACHED).map(({ id }) => id),
    analyzers: stats.analyzers.map(({ id, weight, completed, inFlight }) => ({
      analyzerId: id,
      weight,
      completed,
      inFlight,
    })),
  };
}
