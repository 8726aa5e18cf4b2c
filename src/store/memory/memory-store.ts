/**
 * The memory store: the reference that says what every other store must answer, and a store for tests and trials. Nothing
 * survives the process, so of the invariants of the port S1 does not hold.
 *
 * Every verb does its work at once, in the order of the calls; the promises are only there for the port.
 */

import { epochOf } from "../../core/lease.ts";
import { isEnded } from "../../core/lifecycle.ts";
import { MAX_QUEUES } from "../../core/limits.ts";
import type { NewTask } from "../../core/task.ts";
import { brokenLimit } from "../admission.ts";
import { fillPage, listOrder } from "../listing.ts";
import {
  type AdoptOutcome,
  type CancelOutcome,
  type ClaimedTask,
  type DueOutcome,
  type Finish,
  type FinishOutcome,
  type HeldClaim,
  type InsertOutcome,
  type ListPage,
  type ListQuery,
  type OperationOutcome,
  type QueueSettings,
  type QueueSnapshot,
  type Store,
  type StoredTask,
  StoreFailedError,
  type StoreStart,
} from "../port.ts";
import { newTaskPosition } from "../positions.ts";
import { cancelledRun, claimedTask, dueRun, factsOf, finishedRun, freshRun, redrivenRun } from "../record.ts";
import { isExpired, RETENTION_CLASSES, type RetentionClass } from "../retention.ts";
import { MemoryData, readyPlace, shownTask } from "./memory-data.ts";
import { MemoryQueue, type MemoryTask } from "./memory-queue.ts";

/** Tasks in the memory of this process. */
export class MemoryStore implements Store {
  readonly kind = "memory";
  readonly #data: MemoryData;
  readonly #claims = new Map<number, MemoryTask>();
  /** Epoch of this start; `nextEpoch` reserves further ones for it. */
  #startEpoch = 0;
  #usable = false;

  /** With the data of `after`: the store after a restart. Without: an empty one. */
  constructor(after?: MemoryStore) {
    this.#data = after === undefined ? new MemoryData() : after.#data;
  }

  async open(): Promise<StoreStart> {
    const data = this.#data;
    const leasesMayBeHeld = !data.closed;
    data.epoch += 1;
    this.#startEpoch = data.epoch;
    data.closed = false;
    this.#usable = true;
    for (const task of data.tasks.values()) {
      if (task.cancelWishMs !== undefined) data.move(task, cancelledRun(task.run, task.cancelWishMs));
      else if (task.lease !== 0) data.move(task, task.run);
    }
    return { epoch: data.epoch, leasesMayBeHeld };
  }

  async nextEpoch(): Promise<number> {
    this.#check();
    this.#data.epoch += 1;
    return this.#data.epoch;
  }

  async beginDispatch(): Promise<void> {
    this.#check();
    this.#data.dispatchEpoch = this.#startEpoch;
  }

  async insert(tasks: readonly NewTask[], nowMs: number): Promise<InsertOutcome[]> {
    this.#check();
    for (const task of tasks) newTaskPosition(task.id);
    return tasks.map((task) => this.#insertOne(task, nowMs));
  }

  #insertOne(task: NewTask, nowMs: number): InsertOutcome {
    const { tasks, queues } = this.#data;
    const known = tasks.get(task.id);
    if (known !== undefined) return { kind: "exists", spec: known.facts.spec };
    const found = queues.get(task.queue);
    if (found === undefined && queues.size >= MAX_QUEUES) return { kind: "full", limit: "max_queues" };
    const queue = found ?? new MemoryQueue(task.queue);
    const full = brokenLimit(queue.settings, queue.waiting, queue.waitingBytes, task.spec.length);
    if (full !== undefined) return full;
    queues.set(task.queue, queue);
    this.#data.sequence += 1;
    const startTag = queue.startTag(task.priority, task.fairnessKey, task.fairnessWeight);
    const facts = factsOf(task, nowMs, startTag, this.#data.sequence);
    const added = { facts, queue, run: freshRun(facts.startAtMs), cancelWishMs: undefined, lease: 0 };
    this.#data.add(added);
    return { kind: "accepted" };
  }

  readyHint(queue: string): number {
    return this.#data.queues.get(queue)?.ready.size ?? 0;
  }

  async claim(queue: string, firstLease: number, count: number): Promise<ClaimedTask[]> {
    this.#check();
    const ready = this.#data.queues.get(queue)?.ready;
    const claimed: ClaimedTask[] = [];
    while (ready !== undefined && claimed.length < count) {
      const task = ready.at(0)?.task;
      if (task === undefined) break;
      claimed.push(this.#claimOne(task, firstLease + claimed.length));
    }
    return claimed;
  }

  #claimOne(task: MemoryTask, lease: number): ClaimedTask {
    const { queue } = task;
    queue.ready.remove(readyPlace(task));
    queue.counts.PENDING -= 1;
    queue.counts.RUNNING += 1;
    queue.dispatched(task.facts);
    task.lease = lease;
    this.#claims.set(lease, task);
    return claimedTask(task.facts, task.run.attempts, lease);
  }

  async adopt(held: readonly HeldClaim[]): Promise<AdoptOutcome[]> {
    this.#check();
    return held.map((claim): AdoptOutcome => {
      const task = this.#data.tasks.get(claim.taskId);
      if (task === undefined) return { kind: "lost" };
      if (isEnded(task.run.state)) return { kind: task.run.endingLease === claim.lease ? "recorded" : "lost" };
      const epoch = epochOf(claim.lease);
      const isCurrent = epoch >= this.#data.dispatchEpoch && epoch < this.#startEpoch;
      const mayBeHeld = isCurrent && claim.lease > task.run.endingLease;
      const isFree = task.run.state === "PENDING" && task.lease === 0 && !this.#claims.has(claim.lease);
      if (!mayBeHeld || !isFree || task.run.attempts + 1 !== claim.attempt) return { kind: "lost" };
      return { kind: "adopted", task: this.#claimOne(task, claim.lease) };
    });
  }

  async finish(finishes: readonly Finish[]): Promise<FinishOutcome[]> {
    this.#check();
    return finishes.map((finish) => {
      const task = this.#claims.get(finish.lease);
      if (task === undefined) return "stale";
      this.#claims.delete(finish.lease);
      this.#data.move(task, finishedRun(task.run, finish, task.cancelWishMs !== undefined));
      return "accepted";
    });
  }

  async due(nowMs: number, limit: number): Promise<DueOutcome> {
    this.#check();
    const { timers } = this.#data;
    const queues = new Set<string>();
    let moved = 0;
    let next = timers.at(0)?.task;
    for (; next !== undefined && next.run.dueMs <= nowMs && moved < limit; next = timers.at(0)?.task) {
      this.#data.move(next, dueRun(next.run));
      queues.add(next.queue.name);
      moved += 1;
    }
    return { queues: [...queues], moved, nextDueMs: next?.run.dueMs };
  }

  async get(id: string): Promise<StoredTask | undefined> {
    this.#check();
    const task = this.#data.tasks.get(id);
    return task === undefined ? undefined : shownTask(task);
  }

  async list(query: ListQuery): Promise<ListPage> {
    this.#check();
    const order = listOrder(query.filter);
    return fillPage(query, order, (after) => this.#data.candidates(order, query.newestFirst, after));
  }

  async cancel(ids: readonly string[], nowMs: number): Promise<CancelOutcome[]> {
    this.#check();
    return ids.map((id): CancelOutcome => {
      const task = this.#data.tasks.get(id);
      if (task === undefined) return { kind: "unknown" };
      if (isEnded(task.run.state)) return { kind: "ended" };
      if (task.lease !== 0) {
        task.cancelWishMs ??= nowMs;
        return { kind: "running", lease: task.lease };
      }
      this.#data.move(task, cancelledRun(task.run, nowMs));
      return { kind: "cancelled" };
    });
  }

  async redrive(ids: readonly string[], nowMs: number, dueMs: (index: number) => number): Promise<OperationOutcome[]> {
    this.#check();
    return ids.map((id, index) => {
      const task = this.#data.tasks.get(id);
      if (task === undefined) return "unknown";
      if (task.run.state !== "FAILED" && task.run.state !== "CANCELLED") return "refused";
      this.#data.move(task, redrivenRun(task.run, nowMs, dueMs(index)));
      return "done";
    });
  }

  async purge(ids: readonly string[]): Promise<OperationOutcome[]> {
    this.#check();
    return ids.map((id) => {
      const task = this.#data.tasks.get(id);
      if (task === undefined) return "unknown";
      if (!isEnded(task.run.state)) return "refused";
      this.#data.delete(task);
      return "done";
    });
  }

  async expire(nowMs: number, limit: number): Promise<number> {
    this.#check();
    let deleted = 0;
    for (const queue of this.#data.queues.values()) {
      for (const retention of RETENTION_CLASSES) deleted += this.#expireClass(queue, retention, nowMs, limit - deleted);
    }
    return deleted;
  }

  #expireClass(queue: MemoryQueue, retention: RetentionClass, nowMs: number, limit: number): number {
    const ended = queue.ended[RETENTION_CLASSES.indexOf(retention)];
    let deleted = 0;
    while (ended !== undefined && deleted < limit) {
      const oldest = ended.at(0)?.task;
      if (oldest === undefined || !isExpired(retention, queue.settings, oldest.run.endMs, ended.size, nowMs)) break;
      this.#data.delete(oldest);
      deleted += 1;
    }
    return deleted;
  }

  async queues(): Promise<QueueSnapshot[]> {
    this.#check();
    const queues = [...this.#data.queues.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return queues.map((queue) => ({
      name: queue.name,
      settings: queue.settings,
      counts: { ...queue.counts },
      waitingBytes: queue.waitingBytes,
      headSubmittedMs: queue.ready.at(0)?.task.facts.submittedMs ?? 0,
    }));
  }

  async configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueSettings | undefined> {
    this.#check();
    const { queues } = this.#data;
    const queue = queues.get(name) ?? new MemoryQueue(name);
    if (!queues.has(name) && queues.size >= MAX_QUEUES) return undefined;
    queue.settings = { ...queue.settings, ...change };
    queues.set(name, queue);
    return queue.settings;
  }

  onWake(): void {
    // Nothing becomes ready here but by calls of the engine.
  }

  async close(): Promise<void> {
    if (!this.#usable) return;
    this.#usable = false;
    this.#data.closed = this.#claims.size === 0;
  }

  #check(): void {
    if (!this.#usable)
      throw new StoreFailedError("the store is not open: call open() first, and nothing after close()");
  }
}
