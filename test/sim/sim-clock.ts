/**
 * Time and turns of a simulated world: everything that the engine does happens because this clock runs it.
 *
 * It drains promises with `process.nextTick`, whose callbacks run only when the queue of microtasks is empty: as exact as a
 * turn of the event loop, at a tenth of its price.
 *
 * Invariants:
 *  1  Timers ring in the order of their times, turns before any later timer.
 *  2  Nothing rings but by `settle` and `advance`.
 *  3  What does not come to rest after MAX_TURNS turns is a violation, not a hang.
 */
import { MAX_CLOCK_STEP_MS } from "../../src/engine/settings.ts";
import { Violation } from "./violation.ts";

/** Turns and timers without rest before something runs in circles. An honest burst needs a few dozen. */
const MAX_TURNS = 5_000;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function microtasksDone(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Virtual time. */
export class SimClock {
  #monotonicMs = 0;
  #activeMs = 0;
  #order = 0;
  /** By time, the next one last. */
  readonly #timers: Timer[] = [];
  #turns: (() => void)[] = [];
  /** Wall clock minus monotonic clock. */
  wallOffsetMs = 1_800_000_000_000;

  get wallMs(): number {
    return this.#monotonicMs + this.wallOffsetMs;
  }

  get monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** As much of the time as may be held against an analyzer: a pause of the node counts for one step of its lease clock. */
  get activeMs(): number {
    return this.#activeMs;
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  defer(run: () => void): void {
    this.#turns.push(run);
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, run };
    let index = this.#timers.length;
    while (index > 0 && isLater(timer, this.#timers[index - 1])) index -= 1;
    this.#timers.splice(index, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at !== -1) this.#timers.splice(at, 1);
    };
  }

  /** Runs turns, and all that promises lead to, until nothing is left to do now. */
  async settle(): Promise<void> {
    for (let count = 0; count < MAX_TURNS; count++) {
      await microtasksDone();
      if (this.#turns.length === 0) return;
      const turns = this.#turns;
      this.#turns = [];
      for (const run of turns) run();
    }
    throw new Violation("bounded", `the node is not at rest after ${MAX_TURNS} turns`);
  }

  /** Lets time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await this.settle();
    for (let count = 0; count < MAX_TURNS; count++) {
      const next = this.#timers.at(-1);
      if (next === undefined || next.atMs > endMs) {
        this.#goTo(endMs);
        return;
      }
      this.#timers.pop();
      this.#goTo(next.atMs);
      next.run();
      await this.settle();
    }
    throw new Violation("bounded", `more than ${MAX_TURNS} timers rang within ${ms} ms`);
  }

  /** Lets time pass at once, as when the process was stopped: timers ring late, and only when time goes on. */
  pause(ms: number): void {
    this.#monotonicMs += ms;
    this.#activeMs += Math.min(ms, MAX_CLOCK_STEP_MS);
  }

  #goTo(atMs: number): void {
    const passedMs = Math.max(0, atMs - this.#monotonicMs);
    this.#monotonicMs += passedMs;
    this.#activeMs += passedMs;
  }
}

function isLater(timer: Timer, than: Timer | undefined): boolean {
  if (than === undefined) return false;
  return timer.atMs > than.atMs || (timer.atMs === than.atMs && timer.order > than.order);
}
