/**
 * Decides who gets how many, asks the store which, and delivers.
 *
 * Within a queue the share decides (core/share.ts). Between queues that compete for the same analyzers it is stride
 * scheduling too (Waldspurger and Weihl, 1995): each queue has a virtual time, the smallest is served next, and a delivery
 * moves it on by 1 over the part of the analyzer's credit that the analyzer gives to that queue. So no queue starves.
 *
 * Invariants:
 *  D1  A delivery uses one credit of an attached, writable analyzer, taken before the claim; credit is given back for
 *      what the store could not claim.
 *  D2  After a turn no queue has both unclaimed work and an eligible analyzer, unless the queue is paused, the share makes
 *      everybody wait (max lead), or the turn reached its limit, which asks for another turn.
 *  D3  Nobody is given more bytes in a turn than go into a frame, by the average size of the queue's tasks.
 *  D4  Before `begin`, nothing is delivered.
 */
import { type HeapNode, IndexedHeap } from "../core/heap.ts";
import { MAX_TURN_DELIVERIES } from "../core/limits.ts";
import type { ClaimedTask } from "../store/port.ts";
import { Alarm } from "./alarm.ts";
import type { Subscription } from "./analyzer.ts";
import type { Endings } from "./endings.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import type { QueueState } from "./queue-state.ts";
import { MAX_TURN_BYTES } from "./settings.ts";

/** A queue in the competition of one turn, with what was decided for it. */
interface Candidate extends HeapNode {
  readonly queue: QueueState;
  /** Tasks the store could still hand out. */
  ready: number;
  /** What one of them is taken to weigh in this turn. */
  readonly specBytes: number;
  /** Somebody has been given as much of it as goes into a frame: the rest must wait, or the shares would bend. */
  isSated: boolean;
  /** Who gets a task, in order; `sessions` holds the session each was chosen with. */
  readonly chosen: Subscription[];
  readonly sessions: LiveSession[];
}

function earlierTurn(a: Candidate, b: Candidate): number {
  return a.queue.turnPass - b.queue.turnPass;
}

/** The heart of the engine. */
export class Dispatcher {
  readonly #node: NodeState;
  readonly #endings: Endings;
  /** Rings when a share may choose otherwise only because time has passed. */
  readonly #alarm: Alarm;
  #turnPass = 0;
  #isOpen = false;
  #claims = 0;

  constructor(node: NodeState, endings: Endings) {
    this.#node = node;
    this.#endings = endings;
    this.#alarm = new Alarm(node.parts.clock, () => {
      for (const queue of node.queues.values()) if (queue.settings.maxLead > 0) node.nudge(queue);
    });
  }

  /** Claims are under way at the store. */
  get isClaiming(): boolean {
    return this.#claims > 0;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** From now on tasks are delivered. */
  begin(): void {
    this.#isOpen = true;
    for (const queue of this.#node.queues.values()) this.#node.nudge(queue);
  }

  /** No more deliveries. */
  stop(): void {
    this.#isOpen = false;
    this.#alarm.stop();
  }

  /** One turn: decides and claims as much as can be delivered now. */
  run(): void {
    if (!this.#isOpen || this.#node.candidates.size === 0) return;
    const planned = this.#plan(this.#node.monotonicMs);
    for (const candidate of planned) this.#claim(candidate);
    if (this.#node.leases.wantsEpoch) this.#fetchEpoch();
  }

  #plan(nowMs: number): Candidate[] {
    const heap = new IndexedHeap<Candidate>(earlierTurn);
    for (const candidate of this.#takeCandidates()) heap.push(candidate);
    const planned: Candidate[] = [];
    let deliveries = 0;
    let bytes = 0;
    for (let candidate = heap.peek(); candidate !== undefined; candidate = heap.peek()) {
      if (deliveries >= MAX_TURN_DELIVERIES || bytes >= MAX_TURN_BYTES) {
        this.#postpone(heap);
        break;
      }
      if (candidate.ready > 0 && this.#choose(candidate, nowMs)) {
        deliveries += 1;
        bytes += candidate.specBytes;
        if (candidate.chosen.length === 1) planned.push(candidate);
        if (candidate.isSated) {
          heap.pop();
          this.#node.nudge(candidate.queue);
        } else heap.update(candidate);
      } else {
        this.#awaitShare(candidate, nowMs);
        heap.pop();
      }
    }
    return planned;
  }

  /** The queues that may have both work and takers; a queue that was idle starts at the present virtual time. */
  #takeCandidates(): Candidate[] {
    const candidates: Candidate[] = [];
    for (const queue of this.#node.candidates) {
      if (queue.settings.paused || queue.share.eligibleCount === 0) continue;
      const ready = this.#node.parts.store.readyHint(queue.name);
      if (ready === 0) continue;
      queue.turnPass = Math.max(queue.turnPass, this.#turnPass);
      const { specBytes } = queue;
      candidates.push({ heapIndex: -1, queue, ready, specBytes, isSated: false, chosen: [], sessions: [] });
    }
    this.#node.candidates.clear();
    return candidates;
  }

  #postpone(heap: IndexedHeap<Candidate>): void {
    for (let rest = heap.pop(); rest !== undefined; rest = heap.pop()) this.#node.nudge(rest.queue);
  }

  #choose(candidate: Candidate, nowMs: number): boolean {
    const { queue } = candidate;
    const member = queue.share.choose(nowMs);
    if (member === undefined) return false;
    const subscription = queue.subscriptions.get(member);
    const session = subscription?.analyzer.session;
    if (subscription === undefined || session === undefined)
      throw new Error(`${member.id} is eligible without a session`);
    const { analyzer } = subscription;
    session.window.spend();
    session.claiming(candidate.specBytes);
    candidate.isSated ||= session.isSated;
    if (!session.window.hasRoom) analyzer.refreshEligibility(nowMs);
    candidate.ready -= 1;
    candidate.chosen.push(subscription);
    candidate.sessions.push(session);
    this.#turnPass = queue.turnPass;
    queue.turnPass += 1 / subscription.fraction;
    return true;
  }

  /** Work is left and nobody takes it: with a bounded lead, time alone may change that. */
  #awaitShare({ queue, ready }: Candidate, nowMs: number): void {
    if (ready === 0) return;
    const wakeMs = queue.share.wakeAtMs(nowMs);
    if (wakeMs !== undefined) this.#alarm.within(Math.max(0, wakeMs - nowMs));
  }

  #claim({ queue, specBytes, chosen, sessions }: Candidate): void {
    const first = this.#node.leases.reserve(chosen.length);
    this.#claims += 1;
    this.#node.after(this.#node.parts.store.claim(queue.name, first, chosen.length), (tasks) => {
      this.#claims -= 1;
      this.#deliver(queue, tasks, chosen, sessions);
      for (let index = chosen.length - 1; index >= tasks.length; index--)
        this.#giveBack(chosen[index], sessions[index]);
      // What was not claimed for those who were chosen may be there for others.
      if (tasks.length < chosen.length) this.#node.nudge(queue);
      for (const session of sessions) {
        session.claiming(-specBytes);
        this.#node.touch(session);
      }
    });
  }

  #deliver(
    queue: QueueState,
    tasks: readonly ClaimedTask[],
    chosen: readonly Subscription[],
    sessions: readonly LiveSession[],
  ): void {
    const { wallMs, monotonicMs, leaseMs, leases, timings, parts } = this.#node;
    queue.recent.add(monotonicMs, tasks.length);
    queue.totals.delivered += tasks.length;
    for (const [index, task] of tasks.entries()) {
      const subscription = chosen[index];
      const session = sessions[index];
      if (subscription === undefined || session === undefined)
        throw new Error("the store claimed more than it was asked");
      queue.observeBytes(task.spec.length);
      const lease = leases.add(task, subscription, session.window, wallMs, leaseMs);
      if (session.isOver || subscription.analyzer.session !== session) {
        this.#endings.end(lease, { kind: "released" });
        continue;
      }
      lease.traceId = parts.observer?.delivered(task, subscription.analyzer.id, wallMs);
      if (task.attempts === 0) timings.wait.observe(wallMs - task.submittedMs);
      subscription.delivered += 1;
      subscription.recent.add(monotonicMs);
      session.outbox.deliver({ lease: task.lease, attempt: task.attempts + 1, spec: task.spec });
    }
  }

  #giveBack(subscription: Subscription | undefined, session: LiveSession | undefined): void {
    if (subscription === undefined || session === undefined) return;
    subscription.queue.share.refund(subscription.member);
    session.window.refund();
    this.#node.refresh(subscription.analyzer);
  }

  #fetchEpoch(): void {
    this.#node.after(this.#node.parts.store.nextEpoch(), (epoch) => {
      if (this.#node.leases.wantsEpoch) this.#node.leases.addEpoch(epoch);
    });
  }
}
