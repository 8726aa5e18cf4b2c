/**
 * What waits to be sent on one session, and how it is cut into frames.
 *
 * Invariants:
 *  O1  Things leave in the order in which they were put in, kind by kind.
 *  O2  A frame's deliveries hold at most MAX_FRAME_BYTES of specs, or a single task.
 */

import type { Delivery, NodeFrame } from "./frames.ts";
import { MAX_FRAME_BYTES } from "./settings.ts";

type Cancel = NodeFrame["cancels"][number];
type Drain = NonNullable<NodeFrame["drain"]>;
type Change = NonNullable<NodeFrame["change"]>;

/** The outgoing side of a session. */
export class Outbox {
  #deliveries: Delivery[] = [];
  #accepted: number[] = [];
  #stale: number[] = [];
  #cancels: Cancel[] = [];
  #drain: Drain | undefined;
  #change: Change | undefined;

  get isEmpty(): boolean {
    return this.size === 0 && this.#deliveries.length === 0 && this.#drain === undefined && this.#change === undefined;
  }

  /** Receipts and cancels that wait: what a peer can make grow without credit. */
  get size(): number {
    return this.#accepted.length + this.#stale.length + this.#cancels.length;
  }

  deliver(delivery: Delivery): void {
    this.#deliveries.push(delivery);
  }

  accepted(lease: number): void {
    this.#accepted.push(lease);
  }

  stale(lease: number): void {
    this.#stale.push(lease);
  }

  cancel(cancel: Cancel): void {
    this.#cancels.push(cancel);
  }

  drain(drain: Drain): void {
    this.#drain = drain;
  }

  change(change: Change): void {
    this.#change = change;
  }

  /** Takes out one delivery. False: it has been sent. */
  withdraw(lease: number): boolean {
    const index = this.#deliveries.findIndex((delivery) => delivery.lease === lease);
    if (index !== -1) this.#deliveries.splice(index, 1);
    return index !== -1;
  }

  /** Takes out the deliveries that were never sent. */
  takeUnsent(): Delivery[] {
    const unsent = this.#deliveries;
    this.#deliveries = [];
    return unsent;
  }

  /** Takes the next frame out. Call while not `isEmpty`. */
  take(): NodeFrame {
    const frame: NodeFrame = {
      deliveries: this.#takeDeliveries(),
      accepted: this.#accepted,
      stale: this.#stale,
      cancels: this.#cancels,
      ...(this.#drain === undefined ? {} : { drain: this.#drain }),
      ...(this.#change === undefined ? {} : { change: this.#change }),
    };
    this.#accepted = [];
    this.#stale = [];
    this.#cancels = [];
    this.#drain = undefined;
    this.#change = undefined;
    return frame;
  }

  #takeDeliveries(): Delivery[] {
    let bytes = 0;
    const cut = this.#deliveries.findIndex((delivery, index) => {
      bytes += delivery.spec.length;
      return index > 0 && bytes > MAX_FRAME_BYTES;
    });
    if (cut !== -1) return this.#deliveries.splice(0, cut);
    const all = this.#deliveries;
    this.#deliveries = [];
    return all;
  }
}
