/**
 * How late the event loop is: a timer that rings twenty times a second, and by how much it rang too late each time.
 *
 * Counted, and not taken from perf_hooks, whose figures begin anew each time that one of several scrapers asks.
 */
import { Histogram, type HistogramFigures } from "../../core/histogram.ts";

const INTERVAL_MS = 50;
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** Watches until it is disposed of. */
export class LoopDelay implements Disposable {
  readonly #histogram = new Histogram(BOUNDS_MS);
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#histogram.observe(nowMs - lastMs - INTERVAL_MS);
      lastMs = nowMs;
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  get figures(): HistogramFigures {
    return this.#histogram;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
