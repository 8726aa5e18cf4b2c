/**
 * The virtual time of one share: how far the choices have got, in tasks per unit of weight.
 *
 * Invariants:
 *  T1  It never goes back, except that `undo` takes back the last raise not yet taken back.
 *  T2  Only the last MAX_TURN_DELIVERIES raises can be undone, so that the memory of it is bounded; beyond that `undo`
 *      leaves the time where it is, which only makes a newcomer start a little later.
 */
import { MAX_TURN_DELIVERIES } from "./limits.ts";

/** A clock that moves with choices. */
export class VirtualTime {
  #now = 0;
  /** By how much each of the last raises moved the time: a ring that grows to its limit on demand. */
  readonly #rises: number[] = [];
  /** Where the next raise is noted. */
  #next = 0;
  /** How many raises can be undone. */
  #depth = 0;

  get now(): number {
    return this.#now;
  }

  /** Moves the time up to `pass`, or not at all if it is there already. Either way it can be undone once. */
  raise(pass: number): void {
    this.#rises[this.#next] = Math.max(0, pass - this.#now);
    this.#next = (this.#next + 1) % MAX_TURN_DELIVERIES;
    this.#depth = Math.min(this.#depth + 1, MAX_TURN_DELIVERIES);
    this.#now = Math.max(this.#now, pass);
  }

  /** Takes back the last raise. */
  undo(): void {
    if (this.#depth === 0) return;
    this.#depth -= 1;
    this.#next = (this.#next + MAX_TURN_DELIVERIES - 1) % MAX_TURN_DELIVERIES;
    this.#now -= this.#rises[this.#next] ?? 0;
  }

  /** Moves the origin here: what was `now` is 0 from now on. Returns what that was. */
  rebase(): number {
    const origin = this.#now;
    this.#now = 0;
    return origin;
  }
}
