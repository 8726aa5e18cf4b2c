/**
 * How many analyzers a queue wants.
 *
 * By Little's law (J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9, 1961) tasks that
 * arrive at a rate λ and take S each keep λS places busy. A place works off target / S tasks within the target wait, so
 * each waiting task asks for S / target of a place, and for a whole one when it takes longer than the target. What is
 * running keeps its places. The places together, over those of one analyzer, are the analyzers wanted. While tasks are
 * short against the target that is (λ + waiting / target) / (rate of one analyzer).
 *
 * Invariants:
 *  C1  Never zero while something runs or waits; zero when nothing runs or waits and hardly anything arrives.
 *  C2  Rises with what waits, what runs, what arrives and how long it takes; falls with a longer target and with more
 *      places per analyzer.
 *  C3  What runs keeps its analyzers: never fewer than hold it.
 *  C4  No analyzer without a task for it: not more than one place per waiting and running or newly arriving task.
 */

/** What is known of a queue. Rates are per millisecond. */
export interface Demand {
  /** Ready tasks. */
  readonly waiting: number;
  /** Leased tasks. */
  readonly running: number;
  /** Tasks that become ready per millisecond. */
  readonly arrivalsPerMs: number;
  /** How long an attempt keeps its place, on average. Undefined: nothing has run yet. */
  readonly runMs: number | undefined;
  /** Tasks that one analyzer takes at a time, on average. Undefined: no analyzer has served the queue yet. */
  readonly places: number | undefined;
  /** Analyzers attached now. */
  readonly analyzers: number;
  /** Nothing is delivered: more analyzers would only wait with the tasks. */
  readonly paused: boolean;
}

/** Fewer arrivals than one a minute keep no analyzer waiting for the next one. */
const MIN_ARRIVALS_PER_MS = 1 / 60_000;

/** How many analyzers would make a task wait about the target, and no longer. */
export function analyzersWanted(demand: Demand, targetWaitMs: number): number {
  const { waiting, running, runMs, places, analyzers, paused } = demand;
  const least = waiting + running > 0 ? 1 : 0;
  if (places === undefined) return least;
  const kept = Math.max(least, Math.ceil(running / places));
  if (paused) return kept;
  // Without a run time nobody knows whether one more would help: keep those that are there until the first results.
  if (runMs === undefined) return waiting > 0 ? Math.max(kept, analyzers) : kept;
  const perTask = Math.min(1, runMs / targetWaitMs);
  const steady = demand.arrivalsPerMs < MIN_ARRIVALS_PER_MS ? 0 : demand.arrivalsPerMs * runMs;
  const busy = Math.max(steady, running * perTask) + waiting * perTask;
  return Math.max(kept, Math.ceil(busy / places));
}

/** Tasks per millisecond that one analyzer can do. Undefined: nothing is known yet. */
export function analyzerRate({ runMs, places }: Pick<Demand, "runMs" | "places">): number | undefined {
  return runMs === undefined || places === undefined || runMs === 0 ? undefined : places / runMs;
}
