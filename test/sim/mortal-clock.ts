/**
 * The clock of one start of a node: when the process dies, its timers and turns die with it.
 */
import type { Clock } from "../../src/engine/clock.ts";
import type { VirtualClock } from "../support/virtual-clock.ts";

/** A view of the world's clock that can end. */
export class MortalClock implements Clock {
  readonly #world: VirtualClock;
  #isDead = false;

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  die(): void {
    this.#isDead = true;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  monotonicMs(): number {
    return this.#world.monotonicMs();
  }

  defer(run: () => void): void {
    this.#world.defer(() => {
      if (!this.#isDead) run();
    });
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#world.after(delayMs, () => {
      if (!this.#isDead) run();
    });
  }
}
