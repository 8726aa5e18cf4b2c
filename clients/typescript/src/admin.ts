/**
 * The operators' plane: one thin method per call of AdminService and TaskService. Answers are the generated messages.
 *
 * Every method rejects with SluiceClientError; nothing is retried, except that a node that is away (UNAVAILABLE) is passed
 * over for the next address.
 */
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Connection, type ConnectionOptions } from "./connection.ts";
import {
  AdminService,
  type Analyzer as AnalyzerRecord,
  type CancelTasksResponse,
  type ExplainTaskResponse,
  type GetScalingResponse,
  type GetStatsResponse,
  type ListTasksRequestSchema,
  type ListTasksResponse,
  type PurgeTasksResponse,
  type Queue,
  type QueueSettingsSchema,
  type RetryTasksResponse,
  type Task,
  type TaskFilterSchema,
  TaskService,
  type WaitTasksResponse,
} from "./contract.ts";
import { SluiceClientError } from "./errors.ts";
import { serverStream, unary } from "./wire/call.ts";

/** Which tasks: by id (at most 1000), or by a filter that names a queue. */
export type TaskSelection =
  | { readonly ids: readonly string[] }
  | { readonly filter: MessageInitShape<typeof TaskFilterSchema> };

/** Settings of a queue to change; what is not set stays as it is. */
export type QueueSettingsInput = MessageInitShape<typeof QueueSettingsSchema>;

/** What to list. */
export type ListTasksInput = MessageInitShape<typeof ListTasksRequestSchema>;

/** An operator's call without an answer for this long fails with DEADLINE_EXCEEDED. */
const CALL_DEADLINE_MS = 30_000;
/** Ids in one wait: the contract's limit. */
const MAX_WAIT_IDS = 1000;

/** See the top of the file. */
export class Admin implements AsyncDisposable {
  readonly #connection: Connection;

  constructor(options: ConnectionOptions = {}) {
    this.#connection = new Connection(options);
  }

  /** Figures of one queue, or of all, with the node and the analyzers. */
  stats(queue = ""): Promise<GetStatsResponse> {
    return this.#call(AdminService.method.getStats, { queue });
  }

  /** The same figures every `intervalMs` (100 to 60000, default 1000) until the loop is left or the signal fires. */
  async *watchStats(
    options: { queue?: string | undefined; intervalMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<GetStatsResponse, void, undefined> {
    const request = { queue: options.queue ?? "", intervalMs: options.intervalMs ?? 0 };
    const { client } = this.#connection.endpoint();
    for await (const { stats } of serverStream(client, AdminService.method.watchStats, request, options.signal)) {
      if (stats !== undefined) yield stats;
    }
  }

  /**
   * How much work a queue has, and how many analyzers it wants.
   * @param targetWaitMs - how long a task may wait: 100 to 86400000, default 30000
   */
  scaling(queue: string, targetWaitMs = 0): Promise<GetScalingResponse> {
    return this.#call(AdminService.method.getScaling, { queue, targetWaitMs });
  }

  /** All queues. */
  async queues(): Promise<Queue[]> {
    return (await this.#call(AdminService.method.listQueues, {})).queues;
  }

  /** Stops deliveries from a queue; submits go on. */
  async pauseQueue(queue: string): Promise<Queue> {
    return present((await this.#call(AdminService.method.pauseQueue, { queue })).queue);
  }

  /** Lets deliveries from a queue go on. */
  async resumeQueue(queue: string): Promise<Queue> {
    return present((await this.#call(AdminService.method.resumeQueue, { queue })).queue);
  }

  /** Changes settings of a queue and creates it if needed. */
  async setQueue(queue: string, settings: QueueSettingsInput): Promise<Queue> {
    return present((await this.#call(AdminService.method.setQueue, { queue, settings })).queue);
  }

  /** Analyzers that are attached or were lately; those of one queue, or all. */
  async analyzers(queue = ""): Promise<AnalyzerRecord[]> {
    return (await this.#call(AdminService.method.listAnalyzers, { queue })).analyzers;
  }

  /**
   * Changes the weight of an attached analyzer. An `Analyzer` keeps it, over reconnects, until it is closed; a restarted one
   * begins with its own. NOT_FOUND when it is not attached.
   */
  async setWeight(analyzerId: string, weight: number): Promise<AnalyzerRecord> {
    return present((await this.#call(AdminService.method.setAnalyzerWeight, { analyzerId, weight })).analyzer);
  }

  /** Asks an analyzer to finish and leave. NOT_FOUND when it is not attached. */
  async drainAnalyzer(analyzerId: string): Promise<AnalyzerRecord> {
    return present((await this.#call(AdminService.method.drainAnalyzer, { analyzerId })).analyzer);
  }

  /** Why an analyzer is idle or busy, the most important reason first. NOT_FOUND when it is unknown. */
  async explainAnalyzer(analyzerId: string): Promise<string[]> {
    return (await this.#call(AdminService.method.explainAnalyzer, { analyzerId })).reasons;
  }

  /** Drains the node as SIGTERM does. */
  async drainNode(): Promise<void> {
    await this.#call(AdminService.method.drainNode, {});
  }

  /** One task with its history. NOT_FOUND when it is unknown or its retention has ended. */
  async getTask(id: string): Promise<Task> {
    return present((await this.#call(TaskService.method.getTask, { id })).task);
  }

  /** One page of tasks. */
  listTasks(query: ListTasksInput = {}): Promise<ListTasksResponse> {
    return this.#call(TaskService.method.listTasks, query);
  }

  /** All tasks that match, page after page. `pageToken` says where to begin. */
  async *allTasks(query: ListTasksInput = {}): AsyncGenerator<Task, void, undefined> {
    let pageToken = query.pageToken ?? "";
    do {
      const page = await this.#call(TaskService.method.listTasks, { ...query, pageToken });
      yield* page.tasks;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /**
   * The ending of each task as it happens; `task` is unset for an unknown id. Beyond 1000 ids those that come later are
   * waited for when the first 1000 have ended.
   */
  async *waitTasks(ids: readonly string[], signal?: AbortSignal): AsyncGenerator<WaitTasksResponse, void, undefined> {
    const { client } = this.#connection.endpoint();
    for (let at = 0; at < ids.length; at += MAX_WAIT_IDS) {
      yield* serverStream(client, TaskService.method.waitTasks, { ids: ids.slice(at, at + MAX_WAIT_IDS) }, signal);
    }
  }

  /** Cancels tasks, at most `limit` (default 1000, at most 10000). Repeat while `more` is true. */
  cancelTasks(selection: TaskSelection, limit = 0): Promise<CancelTasksResponse> {
    return this.#call(TaskService.method.cancelTasks, { selection: selectionOf(selection), limit });
  }

  /** Puts dead letters or cancelled tasks back, at most `limit`. Repeat while `more` is true. */
  retryTasks(
    selection: TaskSelection,
    options: { limit?: number | undefined; ratePerSecond?: number | undefined } = {},
  ): Promise<RetryTasksResponse> {
    return this.#call(TaskService.method.retryTasks, {
      selection: selectionOf(selection),
      limit: options.limit ?? 0,
      ratePerSecond: options.ratePerSecond ?? 0,
    });
  }

  /** Deletes ended tasks for good, at most `limit`. Repeat while `more` is true. */
  purgeTasks(selection: TaskSelection, limit = 0): Promise<PurgeTasksResponse> {
    return this.#call(TaskService.method.purgeTasks, { selection: selectionOf(selection), limit });
  }

  /** Why a task is where it is, the most important reason first. */
  explainTask(id: string): Promise<ExplainTaskResponse> {
    return this.#call(TaskService.method.explainTask, { id });
  }

  /** Disconnects. Idempotent. */
  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    for (let left = this.#connection.size; ; left--) {
      const endpoint = this.#connection.endpoint();
      try {
        return await unary(endpoint.client, method, request, { deadlineMs: CALL_DEADLINE_MS });
      } catch (error) {
        const away = error instanceof SluiceClientError && error.code === "UNAVAILABLE";
        if (!away || left <= 1) throw error;
        this.#connection.failed(endpoint);
      }
    }
  }
}

function selectionOf(
  selection: TaskSelection,
): { ids: string[] } | { filter: MessageInitShape<typeof TaskFilterSchema> } {
  return "ids" in selection ? { ids: [...selection.ids] } : selection;
}

function present<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new SluiceClientError("INTERNAL", "the node answered OK without the record that was asked for");
}
