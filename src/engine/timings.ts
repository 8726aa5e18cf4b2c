/**
 * How long things take in this node: waiting, running, committing. Counted in place, read when somebody asks.
 *
 * Invariants:
 *  T1  Nothing is allocated per task.
 *  T2  A commit counts when storage has answered it; until then it is known as under way.
 */
import { Histogram, type HistogramFigures } from "../core/histogram.ts";

/** What was observed since the start of the node, in milliseconds. */
export interface TimingFigures {
  /** From the submission of a task to its first delivery, a delay that was asked for included. */
  readonly wait: HistogramFigures;
  /** From a delivery to its result, or to the timeout. */
  readonly run: HistogramFigures;
  /** Writing submitted tasks down, a whole turn's at a time. */
  readonly insertCommit: HistogramFigures;
  /** Writing ends of leases down. */
  readonly finishCommit: HistogramFigures;
}

/** From a millisecond to an hour: three buckets per power of ten where work mostly lies. */
const TASK_BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 3_600_000,
];
/** A flush to disk takes from a tenth of a millisecond to, when something is wrong, seconds. */
const COMMIT_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** A commit that storage has not answered. */
interface Commit {
  readonly startMs: number;
}

/** The stopwatches of a node. */
export class Timings implements TimingFigures {
  readonly wait = new Histogram(TASK_BOUNDS_MS);
  readonly run = new Histogram(TASK_BOUNDS_MS);
  readonly insertCommit = new Histogram(COMMIT_BOUNDS_MS);
  readonly finishCommit = new Histogram(COMMIT_BOUNDS_MS);
  /** In the order in which they began. */
  readonly #underWay = new Set<Commit>();

  /** A commit begins. Returns what to call, with the time, when it is answered. Times are monotonic. */
  commit(kind: "insertCommit" | "finishCommit", startMs: number): (nowMs: number) => void {
    const commit = { startMs };
    this.#underWay.add(commit);
    return (nowMs) => {
      this.#underWay.delete(commit);
      this[kind].observe(nowMs - startMs);
    };
  }

  /** How long the oldest commit has been under way; 0 when none is. */
  oldestCommitMs(nowMs: number): number {
    for (const { startMs } of this.#underWay) return nowMs - startMs;
    return 0;
  }
}
