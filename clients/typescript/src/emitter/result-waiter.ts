/**
 * Waits for the endings of tasks over a few shared `WaitTasks` streams, however many results are awaited.
 *
 * A stream has a fixed set of ids. Ids asked for in one event-loop turn share a stream; when there are many half-empty
 * streams they are closed and their ids asked for again together. Nothing is lost by that: the node reports tasks that have
 * ended at once.
 */
import type { ClientReadableStream, StatusObject } from "@grpc/grpc-js";
import { backoffMs } from "../backoff.ts";
import type { Connection } from "../connection.ts";
import { type Task, TaskService, type WaitTasksResponse } from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import { openServerStream } from "../wire/call.ts";
import { fromStatus, isTransient } from "../wire/status.ts";
import type { SubmitRetry } from "./submit-sender.ts";
import { outcomeOf, type TaskOutcome } from "./task-outcome.ts";

/** How long to wait for a result. */
export interface ResultOptions {
  /** Rejects with DEADLINE_EXCEEDED after this long; the task goes on. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Rejects with its reason; the task goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** Ids in one stream: the contract's limit. */
const MAX_STREAM_IDS = 1000;
/** With this many streams open, those with less than half of their ids left are put together. */
const MAX_STREAMS = 8;

interface Waiter {
  settle(outcome: TaskOutcome | undefined, error: unknown): void;
}

interface WaitStream {
  readonly ids: Set<string>;
  readonly call: ClientReadableStream<WaitTasksResponse>;
}

/** See the top of the file. */
export class ResultWaiter {
  readonly #connection: Connection;
  readonly #retry: SubmitRetry;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #streams = new Set<WaitStream>();
  /** Ids that are in no stream yet. */
  #unasked = new Set<string>();
  #ask: NodeJS.Immediate | undefined;
  #backoff: NodeJS.Timeout | undefined;
  #failures = 0;
  #failingSinceMs = 0;
  #closed = false;

  constructor(connection: Connection, retry: SubmitRetry) {
    this.#connection = connection;
    this.#retry = retry;
  }

  /** The ending of a task. See `TaskHandle.result`. */
  wait(id: string, options: ResultOptions): Promise<TaskOutcome> {
    const { timeoutMs, signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        settle: (outcome, error) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          if (outcome !== undefined) resolve(outcome);
          else reject(error);
        },
      };
      const leave = (error: unknown): void => {
        this.#leave(id, waiter);
        waiter.settle(undefined, error);
      };
      const abort = (): void => leave(signal?.reason);
      const late = (): void =>
        leave(new SluiceClientError("DEADLINE_EXCEEDED", `task ${id} had not ended after ${timeoutMs} ms; it goes on`));
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      signal?.addEventListener("abort", abort);
      this.#enter(id, waiter);
    });
  }

  /** Rejects everything that is awaited and ends the streams. */
  close(): void {
    this.#closed = true;
    clearImmediate(this.#ask);
    clearTimeout(this.#backoff);
    for (const stream of this.#streams) this.#end(stream);
    this.#rejectAll(
      new SluiceClientError("CANCELLED", "the emitter was closed before the task ended; the task goes on"),
    );
  }

  #enter(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    if (waiters !== undefined) {
      waiters.add(waiter);
      return;
    }
    this.#waiters.set(id, new Set([waiter]));
    this.#unasked.add(id);
    this.#askSoon();
  }

  #leave(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    waiters?.delete(waiter);
    if (waiters === undefined || waiters.size > 0) return;
    this.#waiters.delete(id);
    this.#unasked.delete(id);
    for (const stream of this.#streams) {
      if (stream.ids.delete(id) && stream.ids.size === 0) this.#end(stream);
    }
  }

  #askSoon(): void {
    if (this.#backoff !== undefined) return;
    this.#ask ??= setImmediate(() => {
      this.#ask = undefined;
      this.#askNow();
    });
  }

  #askNow(): void {
    if (this.#streams.size >= MAX_STREAMS) this.#gatherHalfEmpty();
    const ids = [...this.#unasked];
    this.#unasked = new Set();
    for (let at = 0; at < ids.length; at += MAX_STREAM_IDS) this.#open(ids.slice(at, at + MAX_STREAM_IDS));
  }

  #gatherHalfEmpty(): void {
    for (const stream of this.#streams) {
      if (stream.ids.size > MAX_STREAM_IDS / 2) continue;
      for (const id of stream.ids) this.#unasked.add(id);
      this.#end(stream);
    }
  }

  #open(ids: string[]): void {
    const endpoint = this.#connection.endpoint();
    const call = openServerStream(endpoint.client, TaskService.method.waitTasks, { ids });
    const stream: WaitStream = { ids: new Set(ids), call };
    this.#streams.add(stream);
    call.on("data", (ending: WaitTasksResponse) => {
      this.#failures = 0;
      stream.ids.delete(ending.id);
      this.#settle(ending.id, ending.task);
    });
    // Every error comes as a status as well.
    call.on("error", () => {});
    call.on("status", (status: StatusObject) => {
      // An ended stream that still has ids was cut.
      if (!this.#streams.delete(stream) || stream.ids.size === 0) return;
      this.#connection.failed(endpoint);
      this.#retryLater(stream.ids, fromStatus(status));
    });
  }

  #end(stream: WaitStream): void {
    this.#streams.delete(stream);
    stream.call.cancel();
  }

  #settle(id: string, task: Task | undefined): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    this.#waiters.delete(id);
    let outcome: TaskOutcome | undefined;
    let problem: unknown = new SluiceClientError("NOT_FOUND", `task ${id} is unknown, or its retention has ended`);
    try {
      if (task !== undefined) outcome = outcomeOf(task);
    } catch (error) {
      problem = error;
    }
    for (const waiter of waiters) waiter.settle(outcome, problem);
  }

  #retryLater(ids: ReadonlySet<string>, error: SluiceClientError): void {
    for (const id of ids) this.#unasked.add(id);
    if (this.#backoff !== undefined) return;
    const nowMs = performance.now();
    if (this.#failures++ === 0) this.#failingSinceMs = nowMs;
    // UNKNOWN is also what an early end with OK looks like: ask again.
    const final = error.code !== "UNKNOWN" && !isTransient(error);
    if (final || nowMs - this.#failingSinceMs >= this.#retry.giveUpMs) {
      this.#rejectAll(error);
      return;
    }
    const delayMs = Math.max(error.retryAfterMs ?? 0, backoffMs(this.#retry, this.#failures, Math.random()));
    this.#backoff = setTimeout(() => {
      this.#backoff = undefined;
      this.#askSoon();
    }, delayMs);
  }

  #rejectAll(error: SluiceClientError): void {
    const waiting = [...this.#waiters.values()];
    this.#waiters.clear();
    this.#unasked.clear();
    for (const stream of this.#streams) this.#end(stream);
    for (const waiters of waiting) for (const waiter of waiters) waiter.settle(undefined, error);
  }
}

function closedError(): SluiceClientError {
  return new SluiceClientError("CANCELLED", "the emitter was closed before the task ended; the task goes on");
}
