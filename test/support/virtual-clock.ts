/**
 * A clock that stands still until a test advances it.
 *
 * Invariants:
 *  1  Timers ring in the order of their times, deferred turns before any later timer.
 *  2  Nothing rings but by `advance` or `settle`.
 */
import type { Clock } from "../../src/engine/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time. */
export class VirtualClock implements Clock {
  #monotonicMs = 0;
  /** Wall clock minus monotonic clock: a test may make it jump. */
  wallOffsetMs = 1_800_000_000_000;
  #order = 0;
  readonly #timers = new Set<Timer>();
  #deferred: (() => void)[] = [];

  wallMs(): number {
    return this.#monotonicMs + this.wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Runs deferred turns and everything that promises lead to, until nothing is left to do now. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const run of deferred) run();
      await new Promise((resolve) => setImmediate(resolve));
      quiet = deferred.length === 0 && this.#deferred.length === 0 ? quiet + 1 : 0;
    }
  }

  /** Lets time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await this.settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.run();
      await this.settle();
    }
    this.#monotonicMs = endMs;
  }

  /** Lets time pass at once, as when the process was stopped: timers ring late, and only when time goes on. */
  pause(ms: number): void {
    this.#monotonicMs += ms;
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue;
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}
