/**
 * What the engine keeps in memory of one analyzer: it outlives its sessions, so that a return is recognised, its share
 * continues and its figures stay.
 *
 * Invariants:
 *  A1  An analyzer is eligible in the shares of its queues exactly while it is attached, writable, not draining and has
 *      credit and room.
 */
import { DecayingCount } from "../core/rate.ts";
import { next, type SessionEvent, type SessionState } from "../core/session.ts";
import type { ShareMember } from "../core/share.ts";
import type { Lease } from "./lease-table.ts";
import type { LiveSession } from "./live-session.ts";
import type { QueueState } from "./queue-state.ts";
import { OBSERVED_HALF_LIFE_MS } from "./settings.ts";

/** An analyzer's place in one queue. */
export interface Subscription {
  readonly queue: QueueState;
  readonly member: ShareMember;
  readonly analyzer: AnalyzerRecord;
  /** Its part of the analyzer's credit: its weight over the sum of the analyzer's subscription weights. */
  fraction: number;
  readonly recent: DecayingCount;
  delivered: number;
  completed: number;
  failed: number;
}

/** One analyzer. */
export class AnalyzerRecord {
  readonly id: string;
  weight: number;
  version = "";
  labels: Readonly<Record<string, string>> = {};
  attachedMs = 0;
  /** Its hello left the size of its window to the node: it follows the weight. */
  windowFollowsWeight = false;
  /** On the lease clock. */
  lastFrameMs = 0;
  /** Monotonic; when it left. */
  goneSinceMs = 0;
  session: LiveSession | undefined;
  /** DETACHED: the session whose stream broke. */
  detachedFrom: LiveSession | undefined;
  readonly leases = new Set<Lease>();
  /** By queue name. Former ones stay for their figures until the analyzer is forgotten. */
  readonly subscriptions = new Map<string, Subscription>();
  #state: SessionState = "OPENING";
  #eligible = false;

  constructor(id: string, weight: number) {
    this.id = id;
    this.weight = weight;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Moves to the next state; throws on a move that docs/protocol.md does not have. */
  apply(event: SessionEvent): void {
    this.#state = next(this.#state, event);
  }

  /** A new session begins where the last one ended. */
  reopen(): void {
    this.#state = "OPENING";
  }

  /** Its place in a queue, made on first use. */
  subscribe(queue: QueueState, nowMs: number): Subscription {
    const member = queue.share.attach(this.id, this.weight, nowMs);
    // The share has not forgotten it either: only forgetShares makes it, of all queues.
    const known = this.subscriptions.get(queue.name);
    if (known !== undefined) return known;
    const subscription: Subscription = {
      queue,
      member,
      analyzer: this,
      fraction: 1,
      recent: new DecayingCount(OBSERVED_HALF_LIFE_MS),
      delivered: 0,
      completed: 0,
      failed: 0,
    };
    this.subscriptions.set(queue.name, subscription);
    queue.subscriptions.set(member, subscription);
    return subscription;
  }

  /** Queues it serves now. */
  *served(): Generator<Subscription> {
    for (const subscription of this.subscriptions.values()) {
      if (subscription.member.attached) yield subscription;
    }
  }

  /** Leaves the shares of its queues; the shares remember its pass. */
  detachShares(): void {
    this.#eligible = false;
    for (const subscription of this.served()) subscription.queue.share.detach(subscription.member);
  }

  /** Leaves no trace in the shares: its pass and figures are forgotten. */
  forgetShares(): void {
    this.detachShares();
    for (const { queue, member } of this.subscriptions.values()) {
      queue.share.forget(member);
      queue.subscriptions.delete(member);
    }
    this.subscriptions.clear();
  }

  /** Keeps A1 after anything that may have changed it. Returns whether it is eligible now. */
  refreshEligibility(nowMs: number): boolean {
    const { session } = this;
    const eligible = this.#state === "ATTACHED" && session?.isWritable === true && session.window.hasRoom;
    if (eligible !== this.#eligible) {
      this.#eligible = eligible;
      for (const { queue, member } of this.served()) queue.share.setEligible(member, eligible, nowMs);
    }
    return eligible;
  }
}
