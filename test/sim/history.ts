/**
 * What the clients of a simulated node saw, and what may never be in it.
 *
 * Checks, by the promises of the README:
 *  P2  Every accepted task is delivered until it ends; in the end all have ended.
 *  P3  A result whose task has been delivered again is never accepted; a task ends at most once and is not delivered
 *      after that.
 *  P4  The number of an attempt grows by at most one per delivery, and only if the lease before failed or may be lost.
 *  P6  A session never holds more than the credit it granted.
 */

interface Lease {
  readonly lease: number;
  readonly task: number;
  readonly attempt: number;
  /** Its holder was out of reach at some time, or reported a failure: an attempt may be charged. */
  mayBeCharged: boolean;
}

/** The record of one simulation. */
export class History {
  readonly accepted = new Set<number>();
  readonly #current = new Map<number, Lease>();
  readonly #leases = new Map<number, Lease>();
  readonly #ended = new Map<number, number>();
  readonly #note: (line: string) => void;

  /** `note` gets a line for everything that is seen, for the trace. */
  constructor(note: (line: string) => void) {
    this.#note = note;
  }

  /** A submit was answered OK. */
  submitted(task: number): void {
    this.accepted.add(task);
  }

  /** A task arrived at an analyzer. */
  delivered(lease: number, task: number, attempt: number): void {
    this.#note(`task ${task} delivered, lease ${lease}, attempt ${attempt}`);
    if (this.#leases.has(lease)) throw new Error(`lease ${lease} was given out twice`);
    if (this.#ended.has(task)) throw new Error(`task ${task} was delivered after its ending`);
    const before = this.#current.get(task);
    if (before !== undefined) {
      const grown = attempt - before.attempt;
      if (grown !== 0 && grown !== 1) throw new Error(`task ${task} went from attempt ${before.attempt} to ${attempt}`);
      if (grown === 1 && !before.mayBeCharged)
        throw new Error(`task ${task}: attempt ${attempt} was charged for nothing`);
    }
    const entry: Lease = { lease, task, attempt, mayBeCharged: false };
    this.#leases.set(lease, entry);
    this.#current.set(task, entry);
  }

  /** From now on the end of this lease may charge an attempt. */
  mayCharge(lease: number): void {
    const entry = this.#leases.get(lease);
    if (entry !== undefined) entry.mayBeCharged = true;
  }

  /** A result got the receipt `accepted`. */
  receipt(lease: number, isEnding: boolean): void {
    const entry = this.#leases.get(lease);
    if (entry === undefined) throw new Error(`a receipt came for lease ${lease}, which nobody got`);
    this.#note(`task ${entry.task} receipt, lease ${lease}, ${isEnding ? "ending" : "no ending"}`);
    // The receipt of a failure or release may arrive after the task was given to another; that of an ending may not.
    if (!isEnding) return;
    if (this.#current.get(entry.task) !== entry) {
      throw new Error(`lease ${lease} of task ${entry.task} was accepted although the task had been given to another`);
    }
    const other = this.#ended.get(entry.task);
    if (other !== undefined) throw new Error(`task ${entry.task} ended twice, with leases ${other} and ${lease}`);
    this.#ended.set(entry.task, lease);
  }
}
