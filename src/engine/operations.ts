/**
 * What operators and emitters do with tasks by id or filter: look up, list, cancel, retry, purge.
 */
import { SluiceError } from "../core/errors.ts";
import { MAX_OPERATION_TASKS, MAX_PAGE_SCAN, MAX_PAGE_SIZE } from "../core/limits.ts";
import type { TaskState } from "../core/task.ts";
import { InvalidCursorError, type ListQuery, type OperationOutcome, type StoredTask } from "../store/port.ts";
import type { Distributor, LiveTask, OperationCounts, Selection } from "./api.ts";
import type { NodeState } from "./node-state.ts";
import type { Waiters } from "./waiters.ts";

const WAITING: readonly TaskState[] = ["PENDING", "SCHEDULED", "RUNNING", "RETRYING"];
const ENDED: readonly TaskState[] = ["COMPLETED", "FAILED", "CANCELLED"];

interface Selected {
  readonly ids: readonly string[];
  readonly more: boolean;
}

/** The operators' hand on tasks. */
export class Operations implements Pick<Distributor, "get" | "list" | "cancel" | "retry" | "purge"> {
  readonly #node: NodeState;
  readonly #waiters: Waiters;
  readonly #onDue: (dueMs: number) => void;

  constructor(node: NodeState, waiters: Waiters, onDue: (dueMs: number) => void) {
    this.#node = node;
    this.#waiters = waiters;
    this.#onDue = onDue;
  }

  async get(id: string): Promise<LiveTask | undefined> {
    const task = await this.#node.parts.store.get(id);
    return task === undefined ? undefined : this.#live(task);
  }

  async list(query: Omit<ListQuery, "scanLimit">): Promise<{ tasks: LiveTask[]; cursor?: string }> {
    const limit = Math.min(query.limit, MAX_PAGE_SIZE);
    try {
      const page = await this.#node.parts.store.list({ ...query, limit, scanLimit: MAX_PAGE_SCAN });
      const tasks = page.tasks.map((task) => this.#live(task));
      return page.cursor === undefined ? { tasks } : { tasks, cursor: page.cursor };
    } catch (error) {
      if (!(error instanceof InvalidCursorError)) throw error;
      throw new SluiceError("INVALID_ARGUMENT", "page_token is not one of this list: start again without it");
    }
  }

  async cancel(selection: Selection): Promise<OperationCounts> {
    const { ids, more } = await this.#select(selection, WAITING);
    const outcomes = await this.#node.parts.store.cancel(ids, this.#node.wallMs);
    let done = 0;
    let requested = 0;
    outcomes.forEach((outcome, index) => {
      if (outcome.kind === "cancelled") {
        done += 1;
        this.#waiters.ended(ids[index] ?? "");
      }
      if (outcome.kind === "running") {
        requested += 1;
        this.#cancelLease(outcome.lease, ids[index] ?? "");
      }
    });
    return { done, requested, skipped: ids.length - done - requested, more };
  }

  async retry(selection: Selection, ratePerSecond: number): Promise<OperationCounts> {
    const { ids, more } = await this.#select(selection, ["FAILED"]);
    const nowMs = this.#node.wallMs;
    // At a limited rate the i-th task becomes due i / rate seconds from now.
    const dueMs = (index: number) => (ratePerSecond === 0 ? nowMs : nowMs + Math.floor((index * 1000) / ratePerSecond));
    const outcomes = await this.#node.parts.store.redrive(ids, nowMs, dueMs);
    for (const queue of this.#node.queues.values()) this.#node.nudge(queue);
    if (ratePerSecond > 0) this.#onDue(nowMs);
    return { ...this.#count(outcomes), more };
  }

  async purge(selection: Selection): Promise<OperationCounts> {
    const { ids, more } = await this.#select(selection, ENDED);
    return { ...this.#count(await this.#node.parts.store.purge(ids)), more };
  }

  #count(outcomes: readonly OperationOutcome[]): Omit<OperationCounts, "more"> {
    const done = outcomes.filter((outcome) => outcome === "done").length;
    return { done, requested: 0, skipped: outcomes.length - done };
  }

  /** The ids that are meant; by filter those in the given states unless the filter names states of its own. */
  async #select(selection: Selection, states: readonly TaskState[]): Promise<Selected> {
    if ("ids" in selection) return { ids: [...new Set(selection.ids)], more: false };
    const limit = Math.min(selection.limit, MAX_OPERATION_TASKS);
    const named = selection.filter.states ?? [];
    const allowed = named.length === 0 ? states : named;
    const ids: string[] = [];
    // State by state, because each state has an index of its own.
    for (const state of allowed) {
      const filter = { ...selection.filter, states: [state] };
      let cursor: string | undefined;
      do {
        const query: ListQuery = {
          filter,
          // One more than wanted tells whether more match.
          limit: Math.min(limit + 1 - ids.length, MAX_PAGE_SIZE),
          scanLimit: MAX_PAGE_SCAN,
          newestFirst: false,
          ...(cursor === undefined ? {} : { cursor }),
        };
        const page = await this.#node.parts.store.list(query);
        for (const task of page.tasks) ids.push(task.id);
        cursor = page.cursor;
        if (ids.length > limit) return { ids: ids.slice(0, limit), more: true };
      } while (cursor !== undefined);
    }
    return { ids, more: false };
  }

  #cancelLease(number: number, taskId: string): void {
    const lease = this.#node.leases.get(number);
    // Its end was recorded while the answer was on its way: then the store may have ended the task CANCELLED.
    if (lease === undefined) this.#waiters.ended(taskId);
    if (lease === undefined || lease.cancelRequested) return;
    lease.cancelRequested = true;
    const { session } = lease.holder.analyzer;
    if (session === undefined || lease.answered) return;
    session.outbox.cancel({ lease: number, reason: "CANCELLED" });
    this.#node.touch(session);
  }

  #live(task: StoredTask): LiveTask {
    const lease = task.lease === 0 ? undefined : this.#node.leases.get(task.lease);
    if (lease === undefined) return task;
    const running = { ...task, analyzerId: lease.holder.analyzer.id, startMs: lease.startMs };
    return lease.progress === undefined ? running : { ...running, progress: lease.progress };
  }
}
