/**
 * Responsible for: the rates that a queue's scaling is decided by, out of running totals that somebody looks at now and
 * then. Costs nothing per task but the two sums of `RunTime`.
 *
 * Invariants:
 *  M1  The run time is time run over attempts ended, both forgotten at the same pace, so tasks that have not ended count
 *      for what they have run so far. While nothing runs nothing is forgotten: a queue that was idle knows what its tasks
 *      took.
 *  M2  Before the first end, the run time is what has been run so far: as if the first attempt ended now.
 */
import { DecayingCount } from "./rate.ts";

/** How many run, and the time that all of them, ended or not, have run. */
export class RunTime {
  #running = 0;
  /** Sum of the beginnings less that of the ends: the integral of the number running needs no more. */
  #balanceMs = 0;

  get running(): number {
    return this.#running;
  }

  /** One begins. */
  begin(nowMs: number): void {
    this.#running += 1;
    this.#balanceMs += nowMs;
  }

  /** One ends. */
  end(nowMs: number): void {
    this.#running -= 1;
    this.#balanceMs -= nowMs;
  }

  /** Time run until now by all since the start, in milliseconds. */
  totalMs(nowMs: number): number {
    return this.#running * nowMs - this.#balanceMs;
  }
}

/** Totals of a queue since the start of the node. They only grow. */
export interface WorkTotals {
  /** Tasks that came to be worked on: submitted, or to be tried again. */
  readonly arrived: number;
  /** Attempts that ended in any way but being handed back. */
  readonly ended: number;
  /** Time run by all attempts, in milliseconds. */
  readonly runMs: number;
}

/** Demand changes fast: half of what arrived is forgotten in this time. */
export const ARRIVALS_HALF_LIFE_MS = 10_000;
/** What tasks are like changes slowly: half of what was run is forgotten in this time of work. */
export const RUN_TIME_HALF_LIFE_MS = 30_000;

/** Rates of one queue. A rate that has lasted for less than its half-life reads low. */
export class DemandMeter {
  readonly #arrivals = new DecayingCount(ARRIVALS_HALF_LIFE_MS);
  readonly #ends = new DecayingCount(ARRIVALS_HALF_LIFE_MS);
  #totals: WorkTotals = { arrived: 0, ended: 0, runMs: 0 };
  #atMs = 0;
  /** Lately, by the time of work. */
  #ended = 0;
  #runMs = 0;

  /** Takes note of the totals at this time. */
  observe(nowMs: number, totals: WorkTotals): void {
    const { arrived, ended, runMs } = this.#totals;
    this.#totals = totals;
    const ranMs = totals.runMs - runMs;
    if (totals.arrived > arrived) this.#arrivals.add(nowMs, totals.arrived - arrived);
    if (totals.ended > ended) this.#ends.add(nowMs, totals.ended - ended);
    if (ranMs > 0 || totals.ended > ended) {
      const kept = 0.5 ** (Math.max(0, nowMs - this.#atMs) / RUN_TIME_HALF_LIFE_MS);
      this.#runMs = this.#runMs * kept + ranMs;
      this.#ended = this.#ended * kept + totals.ended - ended;
    }
    this.#atMs = nowMs;
  }

  /** Tasks per millisecond that arrive. */
  arrivalsPerMs(nowMs: number): number {
    return perMs(this.#arrivals, nowMs);
  }

  /** Attempts per millisecond that end. */
  endsPerMs(nowMs: number): number {
    return perMs(this.#ends, nowMs);
  }

  /** How long an attempt keeps its place, on average. Undefined: nothing has run yet. */
  get runMs(): number | undefined {
    return this.#runMs > 0 ? this.#runMs / Math.max(1, this.#ended) : undefined;
  }
}

/** A steady rate r leaves a decaying count at r times its mean age, which is half-life / ln 2. */
function perMs(count: DecayingCount, nowMs: number): number {
  return (count.value(nowMs) * Math.LN2) / ARRIVALS_HALF_LIFE_MS;
}
