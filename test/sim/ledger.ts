/**
 * What the disk must hold: a model of every task, kept by what the store was told and answered, in the order in which it
 * took effect. It knows nothing of the engine, and checks each answer of the store and each wish of the engine by it.
 */

import { epochOf } from "../../src/core/lease.ts";
import { isEnded } from "../../src/core/lifecycle.ts";
import type { NewTask, RetryPolicy, TaskState } from "../../src/core/task.ts";
import type {
  AdoptOutcome,
  CancelOutcome,
  ClaimedTask,
  DueOutcome,
  Finish,
  FinishOutcome,
  HeldClaim,
  InsertOutcome,
  OperationOutcome,
  StoreStart,
} from "../../src/store/port.ts";
import type { LeaseBook } from "./lease-book.ts";
import { numberIn } from "./sim-task.ts";
import type { Checks } from "./violation.ts";

/** One task. */
export interface TaskRecord {
  readonly number: number;
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  readonly key: string;
  /** Number of its submission. */
  readonly order: number;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  state: TaskState | "GONE";
  /** Charged. */
  attempts: number;
  dueMs: number;
  /** Of the live claim; 0 = none. */
  lease: number;
  /** The last that was ever given out for it. */
  lastLease: number;
  /** The last that has ended: whoever held it holds it no more. */
  endedLease: number;
  cancelWish: boolean;
}

type Counts = Record<TaskState, number>;

function noCounts(): Counts {
  return { PENDING: 0, SCHEDULED: 0, RUNNING: 0, RETRYING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
}

/** The books of the disk. */
export class Ledger {
  readonly #checks: Checks;
  readonly #leases: LeaseBook;
  readonly #note: ((line: string) => void) | undefined;
  readonly #tasks = new Map<string, TaskRecord>();
  readonly #counts = new Map<string, Counts>();
  readonly #pending = new Map<string, Set<TaskRecord>>();
  #inserted = 0;
  /** Deleted by retention, without saying which. */
  #expired = 0;
  #epoch = 0;
  #dispatchEpoch = 0;
  #wasClosed = true;
  /** Queues whose pause was confirmed. */
  readonly paused = new Set<string>();

  constructor(checks: Checks, leases: LeaseBook, note: ((line: string) => void) | undefined) {
    this.#checks = checks;
    this.#leases = leases;
    this.#note = note;
  }

  get(id: string): TaskRecord | undefined {
    return this.#tasks.get(id);
  }

  all(): Iterable<TaskRecord> {
    return this.#tasks.values();
  }

  counts(queue: string): Readonly<Counts> {
    const known = this.#counts.get(queue);
    if (known !== undefined) return known;
    const counts = noCounts();
    this.#counts.set(queue, counts);
    return counts;
  }

  /** Tasks of all queues in this state. */
  total(state: TaskState): number {
    let total = 0;
    for (const counts of this.#counts.values()) total += counts[state];
    return total;
  }

  /** Tasks that have not ended. */
  get unfinished(): number {
    return this.total("PENDING") + this.total("SCHEDULED") + this.total("RUNNING") + this.total("RETRYING");
  }

  /** Ended tasks that the store must still have. */
  get kept(): number {
    return this.total("COMPLETED") + this.total("FAILED") + this.total("CANCELLED") - this.#expired;
  }

  opened({ epoch, leasesMayBeHeld }: StoreStart): void {
    this.#checks.that("lease", epoch > this.#epoch, () => `epoch ${epoch} follows epoch ${this.#epoch}`);
    this.#checks.that("resume", leasesMayBeHeld !== this.#wasClosed, () =>
      leasesMayBeHeld
        ? "the node holds dispatch after a clean stop"
        : "the node does not wait for held leases after a crash",
    );
    this.#epoch = epoch;
    this.#wasClosed = false;
    for (const task of this.#tasks.values()) {
      if (task.state !== "RUNNING") continue;
      this.#move(task, task.cancelWish ? "CANCELLED" : "PENDING");
    }
  }

  /** Dispatch has begun in this start. */
  get hasBegun(): boolean {
    return this.#dispatchEpoch === this.#epoch;
  }

  begun(): void {
    this.#dispatchEpoch = this.#epoch;
  }

  closed(): void {
    const running = this.total("RUNNING");
    this.#checks.that("drained", running === 0, () => `the store was closed with ${running} live claims`);
    this.#wasClosed = true;
  }

  inserted(tasks: readonly NewTask[], outcomes: readonly InsertOutcome[], nowMs: number): void {
    for (const [index, task] of tasks.entries()) {
      const outcome = outcomes[index];
      const known = this.#tasks.get(task.id);
      if (outcome?.kind === "exists") {
        this.#checks.that("durable", known !== undefined, () => `${task.id} exists although it was never inserted`);
      }
      if (outcome?.kind !== "accepted") continue;
      if (known !== undefined) this.#foundGone(known, "was accepted a second time");
      this.#insert(task, nowMs);
    }
  }

  /** The engine wants to dispatch. */
  claiming(queue: string): void {
    this.#checks.that("due", this.hasBegun, () => "a claim before dispatch was begun");
    this.#checks.that("due", !this.paused.has(queue), () => `a claim in queue ${queue}, which is paused`);
  }

  claimed(queue: string, first: number, count: number, tasks: readonly ClaimedTask[]): void {
    this.#checks.that("credit", tasks.length <= count, () => `${tasks.length} tasks were claimed for ${count} credits`);
    for (const [index, claimed] of tasks.entries()) {
      const task = this.#tasks.get(claimed.id);
      const isRight = task?.state === "PENDING" && task.queue === queue && claimed.lease === first + index;
      this.#checks.that("lease", isRight, () => `task ${numberIn(claimed)}, ${task?.state}, was claimed in ${queue}`);
      if (task === undefined) continue;
      this.#checkOrder(task);
      this.#checkAttempts(task, claimed);
      this.#leases.claimed(claimed.lease, task);
      this.#take(task, claimed.lease);
    }
  }

  adopted(held: readonly HeldClaim[], outcomes: readonly AdoptOutcome[]): void {
    for (const [index, { lease, taskId, attempt }] of held.entries()) {
      const outcome = outcomes[index];
      const task = this.#tasks.get(taskId);
      const isFree =
        task?.state === "PENDING" &&
        task.lastLease === lease &&
        task.endedLease < lease &&
        task.attempts + 1 === attempt;
      const mayBeHeld = isFree && epochOf(lease) >= this.#dispatchEpoch && epochOf(lease) < this.#epoch;
      this.#note?.(`lease ${lease} of task ${task?.number}: ${outcome?.kind}`);
      this.#checks.that("resume", mayBeHeld === (outcome?.kind === "adopted"), () =>
        mayBeHeld
          ? `lease ${lease} was ${outcome?.kind}`
          : `lease ${lease} was resumed, task ${task?.number} is not its`,
      );
      if (outcome?.kind !== "adopted" || task === undefined) continue;
      this.#checkAttempts(task, outcome.task);
      this.#leases.adopted(lease);
      this.#take(task, lease);
    }
  }

  /** The engine ends leases. */
  finishing(finishes: readonly Finish[]): void {
    for (const finish of finishes) this.#leases.explain(finish);
  }

  finished(finishes: readonly Finish[], outcomes: readonly FinishOutcome[]): void {
    for (const [index, finish] of finishes.entries()) {
      const entry = this.#leases.get(finish.lease);
      const outcome = outcomes[index];
      if (entry === undefined || outcome === undefined) continue;
      const { task } = entry;
      const isLive = task.state === "RUNNING" && task.lease === finish.lease;
      this.#checks.that("lease", isLive === (outcome === "accepted"), () =>
        isLive ? `live lease ${finish.lease} was ${outcome}` : `dead lease ${finish.lease} ended task ${task.number}`,
      );
      entry.recorded = outcome;
      if (outcome === "accepted" && isLive) this.#finish(task, finish);
    }
  }

  moved({ moved }: DueOutcome, nowMs: number): void {
    let due = 0;
    for (const task of this.#tasks.values()) {
      if ((task.state !== "SCHEDULED" && task.state !== "RETRYING") || task.dueMs > nowMs) continue;
      this.#move(task, "PENDING");
      due += 1;
    }
    this.#checks.that("due", due === moved, () => `${moved} tasks became due, ${due} should have`);
  }

  cancelled(ids: readonly string[], outcomes: readonly CancelOutcome[]): void {
    for (const [index, id] of ids.entries()) {
      const outcome = outcomes[index];
      const task = this.#tasks.get(id);
      if (task === undefined || outcome === undefined) continue;
      if (outcome.kind === "unknown") this.#foundGone(task, "is unknown to a cancel");
      if (outcome.kind === "running") {
        this.#checks.that("lease", task.lease === outcome.lease, () => `task ${task.number} runs as ${outcome.lease}?`);
        task.cancelWish = true;
      }
      if (outcome.kind !== "cancelled") continue;
      const wasWaiting = task.lease === 0 && !this.#hasEnded(task);
      this.#checks.that("ending", wasWaiting, () => `task ${task.number}, ${task.state}, was cancelled at once`);
      this.#move(task, "CANCELLED");
    }
  }

  redriven(
    ids: readonly string[],
    outcomes: readonly OperationOutcome[],
    dueMs: readonly number[],
    nowMs: number,
  ): void {
    for (const [index, id] of ids.entries()) {
      const task = this.#tasks.get(id);
      if (task === undefined) continue;
      if (outcomes[index] === "unknown") this.#foundGone(task, "is unknown to a redrive");
      if (outcomes[index] !== "done") continue;
      const mayBe = task.state === "FAILED" || task.state === "CANCELLED";
      this.#checks.that("ending", mayBe, () => `task ${task.number}, ${task.state}, was redriven`);
      task.attempts = 0;
      task.dueMs = dueMs[index] ?? 0;
      this.#move(task, task.dueMs > nowMs ? "SCHEDULED" : "PENDING");
    }
  }

  purged(ids: readonly string[], outcomes: readonly OperationOutcome[]): void {
    for (const [index, id] of ids.entries()) {
      const task = this.#tasks.get(id);
      if (task === undefined) continue;
      if (outcomes[index] === "unknown") this.#foundGone(task, "is unknown to a purge");
      if (outcomes[index] !== "done") continue;
      this.#checks.that("durable", this.#hasEnded(task), () => `task ${task.number}, ${task.state}, was purged`);
      this.#move(task, "GONE");
    }
  }

  expired(count: number): void {
    this.#expired += count;
    const { kept } = this;
    this.#checks.that("durable", kept >= 0, () => `retention deleted ${-kept} tasks that had not ended`);
  }

  /** Retention or a purge may have deleted a task that cannot be found: only if it had ended. */
  #foundGone(task: TaskRecord, what: string): void {
    if (task.state === "GONE") return;
    const mayBe = this.#hasEnded(task) && this.#expired > 0;
    this.#checks.that("durable", mayBe, () => `task ${task.number}, ${task.state}, ${what}`);
    this.#expired -= 1;
    this.#move(task, "GONE");
  }

  /** `get` did not find it. */
  missing(task: TaskRecord): void {
    this.#foundGone(task, "cannot be found");
  }

  #insert(task: NewTask, nowMs: number): void {
    const isDelayed = task.startAtMs > nowMs;
    const record: TaskRecord = {
      number: numberIn(task),
      id: task.id,
      queue: task.queue,
      priority: task.priority,
      key: task.fairnessKey,
      order: ++this.#inserted,
      timeoutMs: task.timeoutMs,
      retry: task.retry,
      state: "GONE",
      attempts: 0,
      dueMs: isDelayed ? task.startAtMs : 0,
      lease: 0,
      lastLease: 0,
      endedLease: 0,
      cancelWish: false,
    };
    this.#tasks.set(task.id, record);
    this.#move(record, isDelayed ? "SCHEDULED" : "PENDING");
  }

  #take(task: TaskRecord, lease: number): void {
    this.#move(task, "RUNNING");
    task.lease = lease;
    task.lastLease = lease;
  }

  #finish(task: TaskRecord, { lease, transition }: Finish): void {
    task.endedLease = lease;
    if ("error" in transition && transition.error !== undefined) task.attempts += 1;
    const waitsAgain = transition.to === "PENDING" || transition.to === "RETRYING";
    task.dueMs = transition.to === "RETRYING" ? transition.dueMs : 0;
    this.#move(task, waitsAgain && task.cancelWish ? "CANCELLED" : transition.to);
  }

  #move(task: TaskRecord, to: TaskRecord["state"]): void {
    this.#note?.(`task ${task.number}: ${task.state} -> ${to}`);
    const counts = this.#countsOf(task.queue);
    if (task.state !== "GONE") counts[task.state] -= 1;
    if (task.state === "PENDING") this.#pendingOf(task.queue).delete(task);
    task.state = to;
    task.lease = 0;
    task.cancelWish = false;
    if (to !== "GONE") counts[to] += 1;
    if (to === "PENDING") this.#pendingOf(task.queue).add(task);
  }

  #hasEnded({ state }: TaskRecord): boolean {
    return state !== "GONE" && isEnded(state);
  }

  #checkOrder(task: TaskRecord): void {
    for (const other of this.#pendingOf(task.queue)) {
      if (other === task || other.priority < task.priority) continue;
      const isFirst = other.priority === task.priority && (other.key !== task.key || other.order > task.order);
      this.#checks.that("order", isFirst, () => `task ${task.number} was claimed before task ${other.number}`);
    }
  }

  #checkAttempts(task: TaskRecord, { attempts }: ClaimedTask): void {
    this.#checks.that("attempt", attempts === task.attempts, () => {
      return `task ${task.number} has ${attempts} attempts charged, ${task.attempts} are due`;
    });
  }

  #countsOf(queue: string): Counts {
    this.counts(queue);
    return this.#counts.get(queue) ?? noCounts();
  }

  #pendingOf(queue: string): Set<TaskRecord> {
    const known = this.#pending.get(queue);
    if (known !== undefined) return known;
    const pending = new Set<TaskRecord>();
    this.#pending.set(queue, pending);
    return pending;
  }
}
