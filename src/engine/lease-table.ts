/**
 * The live leases of this node and their deadlines. In memory only: after a crash analyzers bring theirs back.
 *
 * Invariants:
 *  L1  A lease is in the table from its claim until the commit of its end.
 *  L2  Lease numbers rise, over restarts too (core/lease.ts).
 *  L3  An answered lease has an end on its way to the store and takes no other.
 */

import type { CreditWindow } from "../core/credit.ts";
import { type HeapNode, IndexedHeap } from "../core/heap.ts";
import { LEASES_PER_EPOCH, makeLease } from "../core/lease.ts";
import type { RetryPolicy } from "../core/task.ts";
import type { ClaimedTask } from "../store/port.ts";
import type { Subscription } from "./analyzer.ts";
import type { ProgressReport } from "./frames.ts";

/** One task in the hands of one analyzer. */
export interface Lease extends HeapNode {
  readonly lease: number;
  readonly taskId: string;
  readonly holder: Subscription;
  /** The window that counts it: that of the session it was delivered to or re-attached with. */
  window: CreditWindow;
  /** Charged before this attempt. */
  readonly attempts: number;
  readonly retry: RetryPolicy;
  /** Wall clock. */
  readonly startMs: number;
  /** Longest run; 0 = no limit. */
  readonly timeoutMs: number;
  /** Lease clock; infinity without a timeout. */
  readonly deadlineMs: number;
  answered: boolean;
  cancelRequested: boolean;
  progress: ProgressReport | undefined;
  /** The trace that the task belongs to; known while somebody observes tasks. */
  traceId: string | undefined;
}

/** All live leases of the node. */
export class LeaseTable {
  readonly #leases = new Map<number, Lease>();
  readonly #deadlines = new IndexedHeap<Lease>((a, b) => a.deadlineMs - b.deadlineMs);
  #epoch: number;
  #sequence = 0;
  #spareEpoch: number | undefined;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** Lease numbers run out within this many more: get another epoch from the store and `addEpoch` it. */
  get wantsEpoch(): boolean {
    return this.#spareEpoch === undefined && this.#sequence > LEASES_PER_EPOCH / 2;
  }

  /** Goes on with the numbers of this epoch when those of the current one are used up. */
  addEpoch(epoch: number): void {
    this.#spareEpoch = epoch;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Reserves `count` lease numbers in a row and returns the first. Throws when there are none left. */
  reserve(count: number): number {
    if (this.#sequence + count > LEASES_PER_EPOCH) {
      if (this.#spareEpoch === undefined) throw new Error(`epoch ${this.#epoch} has no lease numbers left`);
      this.#epoch = this.#spareEpoch;
      this.#spareEpoch = undefined;
      this.#sequence = 0;
    }
    const first = makeLease(this.#epoch, this.#sequence);
    this.#sequence += count;
    return first;
  }

  get(lease: number): Lease | undefined {
    return this.#leases.get(lease);
  }

  all(): IterableIterator<Lease> {
    return this.#leases.values();
  }

  /** Enters a claimed task. Times: `startMs` wall clock, `nowMs` lease clock. */
  add(task: ClaimedTask, holder: Subscription, window: CreditWindow, startMs: number, nowMs: number): Lease {
    const lease: Lease = {
      heapIndex: -1,
      lease: task.lease,
      taskId: task.id,
      holder,
      window,
      attempts: task.attempts,
      retry: task.retry,
      startMs,
      timeoutMs: task.timeoutMs,
      deadlineMs: task.timeoutMs === 0 ? Number.POSITIVE_INFINITY : nowMs + task.timeoutMs,
      answered: false,
      cancelRequested: false,
      progress: undefined,
      traceId: undefined,
    };
    this.#leases.set(lease.lease, lease);
    if (task.timeoutMs !== 0) this.#deadlines.push(lease);
    holder.analyzer.leases.add(lease);
    holder.queue.runs.begin(nowMs);
    return lease;
  }

  /** Marks it as answered: it has no deadline any more and its window counts it no more. */
  answer(lease: Lease): void {
    lease.answered = true;
    lease.window.answer();
    this.#deadlines.remove(lease);
  }

  /** Its end is committed. `nowMs`: lease clock. */
  remove(lease: Lease, nowMs: number): void {
    this.#leases.delete(lease.lease);
    lease.holder.analyzer.leases.delete(lease);
    lease.holder.queue.runs.end(nowMs);
  }

  /** The earliest deadline on the lease clock, or infinity. */
  get nextDeadlineMs(): number {
    return this.#deadlines.peek()?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** The first lease whose deadline has passed. */
  overdue(nowMs: number): Lease | undefined {
    const first = this.#deadlines.peek();
    return first !== undefined && first.deadlineMs <= nowMs ? first : undefined;
  }
}
