/**
 * Live claims. They are in memory only: after a crash every claimed task is back in its place.
 */
import type { TaskPlace } from "./task-records.ts";

/** A task that is claimed under a lease. */
export interface Claim {
  readonly lease: number;
  readonly place: TaskPlace;
  /** A run is recorded: it has attempts, or a history. */
  readonly hasRun: boolean;
  /** A cancel was asked for, durably. */
  cancelWish: boolean;
}

/** Live claims by lease and by task. */
export class Claims {
  readonly #byLease = new Map<number, Claim>();
  readonly #byTask = new Map<string, Claim>();

  get size(): number {
    return this.#byLease.size;
  }

  /** In the order in which they were made. */
  [Symbol.iterator](): Iterator<Claim> {
    return this.#byLease.values();
  }

  ofLease(lease: number): Claim | undefined {
    return this.#byLease.get(lease);
  }

  ofTask(task: string): Claim | undefined {
    return this.#byTask.get(task);
  }

  add(claim: Claim): void {
    this.#byLease.set(claim.lease, claim);
    this.#byTask.set(claim.place.task, claim);
    claim.place.queue.running += 1;
  }

  remove(claim: Claim): void {
    this.#byLease.delete(claim.lease);
    this.#byTask.delete(claim.place.task);
    claim.place.queue.running -= 1;
  }
}
