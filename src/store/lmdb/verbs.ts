/**
 * The verbs of the port on an open environment, without waiting: each runs to its end in one turn and answers as if
 * everything written so far were committed. `LmdbStore` holds the answer back until it is.
 *
 *  V1  What a verb does to tasks, counts and indexes is written in one turn, so it is in one commit.
 */

import { epochOf } from "../../core/lease.ts";
import { isEnded } from "../../core/lifecycle.ts";
import type { NewTask } from "../../core/task.ts";
import { brokenLimit } from "../admission.ts";
import { fillPage, listOrder } from "../listing.ts";
import type {
  AdoptOutcome,
  CancelOutcome,
  ClaimedTask,
  DueOutcome,
  Finish,
  FinishOutcome,
  HeldClaim,
  InsertOutcome,
  ListPage,
  ListQuery,
  OperationOutcome,
  QueueSettings,
  QueueSnapshot,
  StoredTask,
} from "../port.ts";
import { idPosition, newTaskPosition, timedPosition, timeOf } from "../positions.ts";
import {
  cancelledRun,
  claimedTask,
  dueRun,
  factsOf,
  finishedRun,
  freshRun,
  redrivenRun,
  type TaskFacts,
} from "../record.ts";
import { Claims } from "./claims.ts";
import type { Environment, Tables } from "./environment.ts";
import { Expiry } from "./expiry.ts";
import { FairnessTable } from "./fairness-table.ts";
import { prefixRange } from "./keys.ts";
import type { NodeState } from "./node-state.ts";
import { QueueTable } from "./queue-table.ts";
import { ReadyIndex } from "./ready-index.ts";
import { encodeNumber } from "./records.ts";
import { TaskLists } from "./task-lists.ts";
import { type ReadTask, type TaskPlace, TaskRecords, taskOf } from "./task-records.ts";

/** The verbs, synchronous. */
export class Verbs {
  readonly #tables: Tables;
  readonly #node: NodeState;
  readonly #queues: QueueTable;
  readonly #claims = new Claims();
  readonly #ready: ReadyIndex;
  readonly #records: TaskRecords;
  readonly #fairness: FairnessTable;
  readonly #lists: TaskLists;
  readonly #expiry: Expiry;

  /** Reads the queues. Throws `StoreFailedError` for damage. */
  constructor(environment: Environment, node: NodeState) {
    this.#tables = environment.tables;
    this.#node = node;
    this.#queues = new QueueTable(this.#tables.queues);
    this.#ready = new ReadyIndex(this.#tables.ready, this.#claims, () => this.#queues.size);
    this.#records = new TaskRecords(this.#tables, this.#queues, this.#ready);
    this.#fairness = new FairnessTable(this.#tables.fair, this.#queues);
    this.#lists = new TaskLists(this.#tables, this.#queues, this.#records, this.#claims);
    this.#expiry = new Expiry(this.#tables, this.#queues, this.#records);
  }

  /** Whether something is to be committed. */
  get isDirty(): boolean {
    return this.#queues.isDirty;
  }

  /** Live claims. */
  get claimCount(): number {
    return this.#claims.size;
  }

  /** A commit begins: what follows belongs to the next one. */
  seal(): void {
    this.#fairness.flush();
    this.#queues.flush();
    this.#ready.seal();
  }

  /** The commit is durable. */
  settle(): void {
    this.#ready.settle();
  }

  /** Ends the tasks that were to be cancelled when the last process stopped. */
  endCancelling(): void {
    for (const { key } of [...this.#tables.cancelling.range(prefixRange("", undefined, false))]) {
      const task = this.#records.read(key);
      const run = this.#records.run(task);
      this.#records.move(task.place, run, cancelledRun(run, this.#node.cancelWishMs(key)));
      this.#tables.cancelling.remove(key);
    }
  }

  /** Records how far each queue was dispatched, which no claim writes. */
  keepDispatched(): void {
    for (const queue of this.#queues) this.#queues.changed(queue);
  }

  insert(tasks: readonly NewTask[], nowMs: number): InsertOutcome[] {
    return tasks.map((task) => this.#insertOne(task, nowMs));
  }

  #insertOne(task: NewTask, nowMs: number): InsertOutcome {
    const key = newTaskPosition(task.id);
    const known = this.#records.find(key);
    if (known !== undefined) return { kind: "exists", spec: known.facts.spec };
    const queue = this.#queues.get(task.queue) ?? this.#queues.create(task.queue);
    if (queue === undefined) return { kind: "full", limit: "max_queues" };
    const full = brokenLimit(queue.settings, queue.waiting, queue.waitingBytes, task.spec.length);
    if (full !== undefined) return full;
    const startTag = this.#fairness.startTag(queue, task.priority, task.fairnessKey, task.fairnessWeight);
    this.#records.add(key, queue, factsOf(task, nowMs, startTag, this.#node.nextSequence()));
    return { kind: "accepted" };
  }

  readyHint(queue: string): number {
    return this.#queues.get(queue)?.claimable ?? 0;
  }

  claim(queueName: string, firstLease: number, count: number): ClaimedTask[] {
    const queue = this.#queues.get(queueName);
    const claimed: ClaimedTask[] = [];
    while (queue !== undefined && claimed.length < count) {
      const entry = this.#ready.take(queue);
      if (entry === undefined) break;
      const { facts, place } = this.#records.readForClaim(entry.task);
      this.#records.requirePlace(place, entry.position);
      const attempts = entry.hasRun ? this.#records.findRun(entry.task)?.attempts : undefined;
      claimed.push(this.#claimOne(facts, place, attempts, firstLease + claimed.length));
    }
    return claimed;
  }

  /** `attempts`: undefined when no run is recorded. */
  #claimOne(facts: TaskFacts, place: TaskPlace, attempts: number | undefined, lease: number): ClaimedTask {
    place.queue.dispatched(facts.priority, facts.startTag);
    this.#claims.add({ lease, place, hasRun: attempts !== undefined, cancelWish: false });
    return claimedTask(facts, attempts ?? 0, lease);
  }

  adopt(held: readonly HeldClaim[]): AdoptOutcome[] {
    return held.map((claim) => this.#adoptOne(claim));
  }

  #adoptOne(claim: HeldClaim): AdoptOutcome {
    const task = this.#find(claim.taskId);
    if (task === undefined) return { kind: "lost" };
    const recorded = this.#records.findRun(task.place.task);
    const run = recorded ?? freshRun(task.facts.startAtMs);
    if (isEnded(run.state)) return { kind: run.endingLease === claim.lease ? "recorded" : "lost" };
    const mayBeHeld = this.#node.mayBeHeld(epochOf(claim.lease)) && this.#claims.ofLease(claim.lease) === undefined;
    const isDelivered = run.state === "PENDING" && run.attempts + 1 === claim.attempt && claim.lease > run.endingLease;
    if (!mayBeHeld || !isDelivered || !this.#ready.takeThis(task.place)) return { kind: "lost" };
    return { kind: "adopted", task: this.#claimOne(task.facts, task.place, recorded?.attempts, claim.lease) };
  }

  finish(finishes: readonly Finish[]): FinishOutcome[] {
    return finishes.map((finish) => {
      const claim = this.#claims.ofLease(finish.lease);
      if (claim === undefined) return "stale";
      const { place } = claim;
      const run = (claim.hasRun ? this.#records.findRun(place.task) : undefined) ?? freshRun(0);
      this.#records.move(place, run, finishedRun(run, finish, claim.cancelWish), !claim.hasRun);
      this.#claims.remove(claim);
      if (claim.cancelWish) this.#tables.cancelling.remove(place.task);
      return "accepted";
    });
  }

  due(nowMs: number, limit: number): DueOutcome {
    const queues = new Set<string>();
    const tasks: string[] = [];
    let nextDueMs: number | undefined;
    for (const { key, value } of this.#tables.timers.range(prefixRange("", undefined, false))) {
      const dueMs = timeOf(key);
      if (dueMs > nowMs || tasks.length >= limit) {
        nextDueMs = dueMs;
        break;
      }
      tasks.push(taskOf(value));
    }
    for (const key of tasks) {
      const task = this.#records.read(key);
      const run = this.#records.run(task);
      this.#records.move(task.place, run, dueRun(run));
      queues.add(task.facts.queue);
    }
    return { queues: [...queues], moved: tasks.length, nextDueMs };
  }

  get(id: string): StoredTask | undefined {
    const task = this.#find(id);
    return task === undefined ? undefined : this.#lists.shown(task);
  }

  list(query: ListQuery): ListPage {
    const order = listOrder(query.filter);
    return fillPage(query, order, (after) => this.#lists.candidates(order, query.newestFirst, after));
  }

  cancel(ids: readonly string[], nowMs: number): CancelOutcome[] {
    return ids.map((id): CancelOutcome => {
      const task = this.#find(id);
      if (task === undefined) return { kind: "unknown" };
      const run = this.#records.run(task);
      if (isEnded(run.state)) return { kind: "ended" };
      const claim = this.#claims.ofTask(task.place.task);
      if (claim === undefined) {
        this.#records.move(task.place, run, cancelledRun(run, nowMs));
        return { kind: "cancelled" };
      }
      if (!claim.cancelWish) this.#tables.cancelling.put(task.place.task, encodeNumber(nowMs));
      claim.cancelWish = true;
      return { kind: "running", lease: claim.lease };
    });
  }

  redrive(ids: readonly string[], nowMs: number, dueMs: (index: number) => number): OperationOutcome[] {
    return ids.map((id, index) => {
      const task = this.#find(id);
      if (task === undefined) return "unknown";
      const run = this.#records.run(task);
      if (run.state !== "FAILED" && run.state !== "CANCELLED") return "refused";
      this.#records.move(task.place, run, redrivenRun(run, nowMs, dueMs(index)));
      return "done";
    });
  }

  purge(ids: readonly string[]): OperationOutcome[] {
    return ids.map((id) => {
      const task = this.#find(id);
      if (task === undefined) return "unknown";
      const run = this.#records.run(task);
      if (!isEnded(run.state)) return "refused";
      const { place } = task;
      this.#records.delete(place.task, place.queue, run.state, timedPosition(run.endMs, place.sequence));
      return "done";
    });
  }

  expire(nowMs: number, limit: number): number {
    this.#fairness.sweep(limit);
    return this.#expiry.run(nowMs, limit);
  }

  queues(): QueueSnapshot[] {
    const queues = [...this.#queues].sort((a, b) => (a.name < b.name ? -1 : 1));
    return queues.map((queue) => {
      const head = this.#ready.peek(queue);
      return {
        name: queue.name,
        settings: queue.settings,
        counts: queue.stateCounts,
        waitingBytes: queue.waitingBytes,
        headSubmittedMs: head === undefined ? 0 : this.#records.read(head.task).facts.submittedMs,
      };
    });
  }

  configureQueue(name: string, change: Partial<QueueSettings>): QueueSettings | undefined {
    const queue = this.#queues.get(name) ?? this.#queues.create(name);
    if (queue === undefined) return undefined;
    queue.configure(change);
    this.#queues.changed(queue);
    return queue.settings;
  }

  #find(id: string): ReadTask | undefined {
    const key = idPosition(id);
    return key === undefined ? undefined : this.#records.find(key);
  }
}
