/**
 * One timer that always stands at the earliest time asked for: timers for a million deadlines cost one.
 */
import type { Clock } from "./clock.ts";

/** Calls back once at the earliest time that was asked for since it last rang. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Asks to be called within `delayMs`, or earlier if it was asked for that before. */
  within(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (this.#isStopped || atMs >= this.#atMs) return;
    this.#cancel?.();
    this.#atMs = atMs;
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#ring();
    });
  }

  /** Never rings again. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }
}
