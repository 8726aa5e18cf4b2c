/**
 * Everything that happens because time has passed: missed heartbeats, attempts over their timeout, tasks whose time has
 * come, retention, analyzers long gone, and the rates that scaling is decided by.
 *
 * Invariants:
 *  W1  Leases and attempts are judged by the lease clock, so a pause of the node itself charges nobody.
 *  W2  An attempt that never left the node cannot run into its timeout.
 *  W3  No sweep handles more than MAX_SWEEP_TASKS before the loop is free again.
 *  W4  Tasks that wait in memory for an analyzer that does not read go back to their place, uncharged.
 */
import { SluiceError } from "../core/errors.ts";
import type { Outcome } from "../core/task.ts";
import { Alarm } from "./alarm.ts";
import type { Attachment } from "./attachment.ts";
import type { Clock } from "./clock.ts";
import type { Endings } from "./endings.ts";
import type { Lease } from "./lease-table.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import {
  GONE_RETENTION_MS,
  HEARTBEAT_CHECK_MS,
  MAX_DUE_WAIT_MS,
  MAX_GONE_ANALYZERS,
  MAX_SWEEP_TASKS,
  RETENTION_CHECK_MS,
  UNREAD_RETURN_MS,
} from "./settings.ts";

function timeoutOutcome(timeoutMs: number): Outcome {
  const message = `the attempt ran longer than its timeout of ${Math.round(timeoutMs)} ms`;
  return { kind: "failure", error: { code: "TIMEOUT", message, details: new Uint8Array() }, nonRetryable: false };
}

/** The clockwork. */
export class Sweeper {
  readonly #node: NodeState;
  readonly #endings: Endings;
  readonly #attachment: Attachment;
  /** Sessions that have not said hello, with the lease time at which they opened. */
  readonly #strangers: ReadonlyMap<LiveSession, number>;
  readonly #heartbeats: Alarm;
  readonly #deadlines: Alarm;
  readonly #due: Alarm;
  readonly #retention: Alarm;
  #nextDueMs = Number.POSITIVE_INFINITY;
  #isMoving = false;

  constructor(node: NodeState, endings: Endings, attachment: Attachment, strangers: ReadonlyMap<LiveSession, number>) {
    this.#node = node;
    this.#endings = endings;
    this.#attachment = attachment;
    this.#strangers = strangers;
    const clock: Clock = node.parts.clock;
    this.#heartbeats = new Alarm(clock, () => this.#checkHeartbeats());
    this.#deadlines = new Alarm(clock, () => this.#checkDeadlines());
    this.#due = new Alarm(clock, () => this.#moveDue());
    this.#retention = new Alarm(clock, () => this.#expireTasks());
  }

  start(): void {
    this.#heartbeats.within(HEARTBEAT_CHECK_MS);
    this.#retention.within(RETENTION_CHECK_MS);
    this.#moveDue();
  }

  stop(): void {
    for (const alarm of [this.#heartbeats, this.#deadlines, this.#due, this.#retention]) alarm.stop();
  }

  /** A task becomes due at this wall-clock time. */
  noteDue(dueMs: number): void {
    this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
    this.#awaitDue();
  }

  /** Leases were added: watches the earliest deadline. */
  watchDeadlines(): void {
    const { nextDeadlineMs } = this.#node.leases;
    if (nextDeadlineMs === Number.POSITIVE_INFINITY) return;
    this.#deadlines.within(Math.max(0, nextDeadlineMs - this.#node.leaseMs));
  }

  #checkHeartbeats(): void {
    const nowMs = this.#node.leaseMs;
    const { leaseMs } = this.#node.parts.settings;
    for (const analyzer of this.#node.analyzers.values()) {
      const isLive = analyzer.state === "ATTACHED" || analyzer.state === "DRAINING";
      if (isLive && nowMs - analyzer.lastFrameMs >= leaseMs) this.#attachment.expire(analyzer);
      if (isLive && analyzer.session !== undefined) this.#checkReader(analyzer.session, nowMs);
    }
    for (const [session, openedMs] of this.#strangers) {
      if (nowMs - openedMs < leaseMs) continue;
      session.refuse(new SluiceError("FAILED_PRECONDITION", `no hello came for ${leaseMs} ms: say hello first`));
    }
    this.#forgetGone();
    for (const queue of this.#node.queues.values()) queue.observeDemand(nowMs);
    this.#heartbeats.within(Math.min(HEARTBEAT_CHECK_MS, leaseMs / 4));
  }

  #checkReader(session: LiveSession, nowMs: number): void {
    if (!session.isUnread) return;
    session.unreadSinceMs ??= nowMs;
    if (nowMs - session.unreadSinceMs >= UNREAD_RETURN_MS) this.#attachment.takeBackUnread(session);
  }

  #forgetGone(): void {
    const nowMs = this.#node.monotonicMs;
    const gone = [...this.#node.analyzers.values()].filter((a) => a.state === "GONE" && a.leases.size === 0);
    gone.sort((a, b) => a.goneSinceMs - b.goneSinceMs);
    for (const [index, analyzer] of gone.entries()) {
      const isOverLimit = gone.length - index > MAX_GONE_ANALYZERS;
      if (!isOverLimit && nowMs - analyzer.goneSinceMs < GONE_RETENTION_MS) break;
      analyzer.forgetShares();
      this.#node.analyzers.delete(analyzer.id);
    }
  }

  #checkDeadlines(): void {
    const nowMs = this.#node.leaseMs;
    const { leases } = this.#node;
    for (let lease = leases.overdue(nowMs); lease !== undefined; lease = leases.overdue(nowMs)) this.#timeOut(lease);
    this.watchDeadlines();
  }

  #timeOut(lease: Lease): void {
    const { session } = lease.holder.analyzer;
    if (session?.outbox.withdraw(lease.lease) === true) {
      // It waited for a slow reader all the time: nobody ran it, so nobody is charged, and the credit is unused.
      this.#endings.end(lease, { kind: "released" });
      session.window.grant(1);
      return;
    }
    this.#endings.end(lease, timeoutOutcome(lease.timeoutMs));
    if (session === undefined) return;
    session.outbox.cancel({ lease: lease.lease, reason: "TIMEOUT" });
    this.#node.touch(session);
  }

  #moveDue(): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    this.#node.after(this.#node.parts.store.due(this.#node.wallMs, MAX_SWEEP_TASKS), (outcome) => {
      this.#isMoving = false;
      for (const name of outcome.queues) this.#node.nudge(this.#node.queue(name));
      if (outcome.nextDueMs !== undefined) this.#nextDueMs = Math.min(this.#nextDueMs, outcome.nextDueMs);
      this.#awaitDue();
    });
  }

  #awaitDue(): void {
    if (this.#nextDueMs === Number.POSITIVE_INFINITY || this.#isMoving) return;
    const waitMs = Math.max(0, this.#nextDueMs - this.#node.wallMs);
    this.#due.within(Math.min(waitMs, MAX_DUE_WAIT_MS));
  }

  #expireTasks(): void {
    this.#node.after(this.#node.parts.store.expire(this.#node.wallMs, MAX_SWEEP_TASKS), (deleted) => {
      this.#retention.within(deleted >= MAX_SWEEP_TASKS ? 0 : RETENTION_CHECK_MS);
    });
  }
}
