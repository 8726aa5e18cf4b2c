/**
 * Ends leases: decides the transition, commits those of one turn together, then tells who waits for it.
 *
 * Invariants:
 *  E1  A lease ends once; a receipt is sent only after the commit.
 *  E2  A lease whose end is on its way takes no other end (lease-table.ts L3).
 *  E3  What `hasRoom` allows is all that is held of results before they are committed.
 */
import { decide } from "../core/lifecycle.ts";
import type { Outcome, Transition } from "../core/task.ts";
import type { Finish, FinishOutcome } from "../store/port.ts";
import type { LeaseResult } from "./frames.ts";
import type { Lease } from "./lease-table.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import { MAX_RESULT_BYTES, MAX_SESSION_RESULT_BYTES } from "./settings.ts";

interface Ending {
  readonly lease: Lease;
  readonly finish: Finish;
  readonly outcome: Outcome["kind"];
  /** Who gets the receipt. */
  readonly receiptTo: LiveSession | undefined;
  /** Of its result. */
  readonly bytes: number;
}

/** What a result holds in memory, besides a little. */
export function bytesOf(outcome: Outcome | LeaseResult): number {
  if (outcome.kind === "success") return outcome.result.output.length;
  return outcome.kind === "failure" ? outcome.error.details.length + outcome.error.message.length : 0;
}

/** What endings tell the rest of the engine. */
export interface EndingEvents {
  /** A task will be due at this wall-clock time. */
  due(dueMs: number): void;
  /** A task has ended for good. */
  ended(taskId: string): void;
}

/** The way out of a lease. */
export class Endings {
  readonly #node: NodeState;
  readonly #events: EndingEvents;
  readonly #commits = new Set<Promise<unknown>>();
  #collected: Ending[] = [];
  #resultBytes = 0;

  constructor(node: NodeState, events: EndingEvents) {
    this.#node = node;
    this.#events = events;
  }

  /** Whether results of this size can be held for a session until they are committed. The first always can. */
  hasRoom(session: LiveSession, bytes: number): boolean {
    const fits = (held: number, most: number): boolean => held === 0 || held + bytes <= most;
    return fits(session.resultBytes, MAX_SESSION_RESULT_BYTES) && fits(this.#resultBytes, MAX_RESULT_BYTES);
  }

  /** Ends a live, unanswered lease. */
  end(lease: Lease, outcome: Outcome, receiptTo?: LiveSession): void {
    const { wallMs, parts } = this.#node;
    this.#node.leases.answer(lease);
    const transition = decide(outcome, lease, lease.cancelRequested, wallMs, parts.random);
    const finish: Finish = {
      lease: lease.lease,
      transition,
      analyzerId: lease.holder.analyzer.id,
      startMs: lease.startMs,
      endMs: wallMs,
    };
    const bytes = receiptTo === undefined ? 0 : bytesOf(outcome);
    this.#collected.push({ lease, finish, outcome: outcome.kind, receiptTo, bytes });
    this.#resultBytes += bytes;
    if (outcome.kind === "success" || outcome.kind === "failure") {
      this.#node.timings.run.observe(wallMs - lease.startMs);
    }
    if (receiptTo !== undefined) {
      receiptTo.receiptsDue += 1;
      receiptTo.resultBytes += bytes;
    }
    this.#node.wake();
  }

  /** Hands what was collected to the store. */
  commit(): void {
    if (this.#collected.length === 0) return;
    const endings = this.#collected;
    this.#collected = [];
    const committed = this.#node.timings.commit("finishCommit", this.#node.monotonicMs);
    const answer = this.#node.parts.store.finish(endings.map((ending) => ending.finish));
    this.#commits.add(answer);
    this.#node.after(answer, (outcomes) => {
      this.#commits.delete(answer);
      committed(this.#node.monotonicMs);
      const { leaseMs } = this.#node;
      endings.forEach((ending, index) => {
        this.#settle(ending, outcomes[index] ?? "stale", leaseMs);
      });
    });
  }

  /** Resolves when every end asked for before is committed. */
  async settled(): Promise<void> {
    this.commit();
    await Promise.allSettled(this.#commits);
  }

  #settle({ lease, finish, outcome, receiptTo, bytes }: Ending, answer: FinishOutcome, leaseMs: number): void {
    this.#node.leases.remove(lease, leaseMs);
    this.#resultBytes -= bytes;
    const { totals } = lease.holder.queue;
    if (answer === "stale") {
      totals.stale += 1;
      receiptTo?.outbox.stale(lease.lease);
    } else {
      if (outcome === "lost") totals.lost += 1;
      this.#count(lease, finish.transition);
      receiptTo?.outbox.accepted(lease.lease);
    }
    if (receiptTo === undefined) return;
    receiptTo.receiptsDue -= 1;
    receiptTo.resultBytes -= bytes;
    this.#node.touch(receiptTo);
  }

  #count(lease: Lease, transition: Transition): void {
    const { holder, taskId } = lease;
    const { totals } = holder.queue;
    switch (transition.to) {
      case "COMPLETED":
        totals.completed += 1;
        holder.completed += 1;
        this.#events.ended(taskId);
        return;
      case "FAILED":
        totals.failed += 1;
        holder.failed += 1;
        this.#events.ended(taskId);
        this.#node.parts.log("debug", "task.failed", {
          taskId,
          ...(lease.traceId === undefined ? {} : { traceId: lease.traceId }),
          queue: holder.queue.name,
          code: transition.error.code,
        });
        return;
      case "CANCELLED":
        totals.cancelled += 1;
        this.#events.ended(taskId);
        return;
      default:
        this.#countReturn(lease, transition);
    }
  }

  #countReturn(lease: Lease, transition: Extract<Transition, { to: "RETRYING" | "PENDING" }>): void {
    const { holder, taskId } = lease;
    const { totals } = holder.queue;
    if (lease.cancelRequested) {
      // The wish came when the end was on its way already: the store has ended the task instead of returning it.
      totals.cancelled += 1;
      this.#events.ended(taskId);
      return;
    }
    switch (transition.to) {
      case "RETRYING":
        totals.retried += 1;
        holder.failed += 1;
        this.#events.due(transition.dueMs);
        return;
      case "PENDING":
        this.#node.nudge(holder.queue);
        return;
    }
  }
}
