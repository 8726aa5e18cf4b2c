/**
 * One life of a node's process: its clock, and the moment of its death, which can be any at which something enters or
 * leaves it: a call of the store and its answer, a frame, a turn, a timer, an answer to a client.
 *
 * Invariant:
 *  1  After its end nothing of it is seen outside, whatever its code still does.
 */
import type { Clock } from "../../src/engine/clock.ts";
import type { SimClock } from "./sim-clock.ts";

/** A process. */
export class Life implements Clock {
  readonly #world: SimClock;
  #isOver = false;
  #effectsLeft = Number.POSITIVE_INFINITY;
  #timers = 0;
  #effects = 0;

  constructor(world: SimClock) {
    this.#world = world;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** How much has entered or left it. While this stays, nothing has changed. */
  get effects(): number {
    return this.#effects;
  }

  /** Timers of this process that wait. */
  get pendingTimers(): number {
    return this.#timers;
  }

  end(): void {
    this.#isOver = true;
  }

  /** It ends in the place of the effect after `effects` more; infinity takes that back. */
  endAfter(effects: number): void {
    this.#effectsLeft = effects;
  }

  /** Something is about to enter or leave the process. False: it does not, as the process has ended. */
  effect(): boolean {
    this.#effects += 1;
    if (this.#effectsLeft-- <= 0) this.#isOver = true;
    return !this.#isOver;
  }

  wallMs(): number {
    return this.#world.wallMs;
  }

  monotonicMs(): number {
    return this.#world.monotonicMs;
  }

  defer(run: () => void): void {
    this.#world.defer(() => {
      if (this.effect()) run();
    });
  }

  after(delayMs: number, run: () => void): () => void {
    let waits = true;
    const noLonger = () => {
      if (waits) this.#timers -= 1;
      waits = false;
    };
    this.#timers += 1;
    const cancel = this.#world.after(delayMs, () => {
      noLonger();
      if (this.effect()) run();
    });
    return () => {
      noLonger();
      cancel();
    };
  }
}
