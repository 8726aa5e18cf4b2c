/**
 * The emitter: submits tasks, in batches that it makes by itself, and waits for their results.
 */
import { Connection, type ConnectionOptions } from "../connection.ts";
import { SluiceClientError, SubmitError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Tracing } from "../tracing.ts";
import { toClientError } from "../wire/status.ts";
import type { BufferedTask, SubmitSink } from "./buffered-task.ts";
import { type ResultOptions, ResultWaiter } from "./result-waiter.ts";
import { SubmitBuffer } from "./submit-buffer.ts";
import { type SubmitManyOptions, type SubmitSummary, submitMany } from "./submit-many.ts";
import { type SubmitRetry, SubmitSender } from "./submit-sender.ts";
import type { TaskInput } from "./task-input.ts";
import type { TaskOutcome } from "./task-outcome.ts";
import { bufferedTask } from "./traced-task.ts";

/** Options of an emitter. */
export interface EmitterOptions extends ConnectionOptions {
  /** Tasks submitted and not yet answered that are kept encoded; beyond it callers wait. Default 10000. */
  readonly maxBufferedTasks?: number | undefined;
  /** Their bytes; beyond it callers wait. Default 67108864 (64 MiB). */
  readonly maxBufferedBytes?: number | undefined;
  /** Tasks in one batch: 1 to 1000, more are cut to it. Default 1000. */
  readonly maxBatchTasks?: number | undefined;
  /** Batches in flight. With 1, tasks are accepted in the very order of their submits. Default 2. */
  readonly maxInFlightBatches?: number | undefined;
  /** Default: first retry within 100 ms, at most 5 s apart, given up after 5 minutes. */
  readonly retry?: Partial<SubmitRetry> | undefined;
  /** Told when submits begin to fail and when they succeed again. */
  readonly logger?: Logger | undefined;
  /** Traces each submit and sends its trace context along. Default none. */
  readonly tracing?: Tracing | undefined;
}

/** Options of one submit. */
export interface SubmitOptions {
  /** Rejects with its reason. A task that was already in flight may be accepted all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** An accepted task. */
export interface TaskHandle {
  readonly id: string;
  /** The same task had been accepted before; nothing was added. */
  readonly duplicate: boolean;
  /**
   * What the task returned, once it is completed. Rejects with TaskFailedError (dead letter), TaskCancelledError,
   * DEADLINE_EXCEEDED after `timeoutMs`, NOT_FOUND when the task's retention ended first.
   */
  result(options?: ResultOptions): Promise<TaskOutcome>;
}

/** The contract's limit of tasks in one batch. */
const MAX_BATCH_TASKS = 1000;
/** Bytes in one batch: a quarter of what a node takes by default; larger ones gain nothing and hold up both ends. */
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_BUFFERED_TASKS = 10_000;
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
const MAX_IN_FLIGHT_BATCHES = 2;
const RETRY: SubmitRetry = { initialMs: 100, maxMs: 5000, giveUpMs: 300_000 };

/**
 * Submits tasks. One emitter per process is enough: submits made while a batch is in flight travel in the next one.
 * A task is sent with its id, so that repeating a submit whose outcome is unknown adds nothing twice.
 */
export class Emitter implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #buffer: SubmitBuffer;
  readonly #sender: SubmitSender;
  readonly #results: ResultWaiter;
  readonly #tracing: Tracing | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EmitterOptions = {}) {
    const retry: SubmitRetry = { ...RETRY, ...options.retry };
    this.#connection = new Connection(options);
    this.#tracing = options.tracing;
    this.#buffer = new SubmitBuffer({
      maxTasks: atLeastOne("maxBufferedTasks", options.maxBufferedTasks ?? MAX_BUFFERED_TASKS),
      maxBytes: atLeastOne("maxBufferedBytes", options.maxBufferedBytes ?? MAX_BUFFERED_BYTES),
      maxBatchTasks: Math.min(MAX_BATCH_TASKS, atLeastOne("maxBatchTasks", options.maxBatchTasks ?? MAX_BATCH_TASKS)),
      maxBatchBytes: MAX_BATCH_BYTES,
    });
    this.#sender = new SubmitSender(this.#connection, this.#buffer, {
      maxInFlightBatches: atLeastOne("maxInFlightBatches", options.maxInFlightBatches ?? MAX_IN_FLIGHT_BATCHES),
      retry,
      logger: options.logger,
    });
    this.#results = new ResultWaiter(this.#connection, retry);
  }

  /**
   * Submits one task. Resolves when the node has it durably; rejects with SubmitError when the node refuses it or retries
   * are given up. Await it, or use `submitMany`, rather than starting submits without end: each one that is not answered
   * keeps its payload in memory.
   */
  submit(task: TaskInput, options: SubmitOptions = {}): Promise<TaskHandle> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const sink = new OneSubmit(this.#results, resolve, reject);
      const buffered = this.#encode(task, sink);
      if (signal !== undefined) sink.dropOnAbort(signal, () => this.#drop(buffered));
      this.#sender.add(buffered);
    });
  }

  /**
   * Submits all tasks of an iterable, with bounded memory whatever its length. Tasks that are refused for what they are do
   * not stop it, see the summary. Rejects with SubmitManyError when retries are given up or the node refuses the client,
   * with the signal's reason, or with what the iterable throws; tasks accepted until then stay accepted.
   */
  submitMany(
    tasks: Iterable<TaskInput> | AsyncIterable<TaskInput>,
    options: SubmitManyOptions = {},
  ): Promise<SubmitSummary> {
    return submitMany(
      {
        add: (task) => {
          this.#assertOpen();
          return this.#sender.add(task);
        },
        drop: (sink) => {
          for (const task of this.#buffer.unsentOf(sink)) this.#drop(task);
        },
        tracing: this.#tracing,
      },
      tasks,
      options,
    );
  }

  /** Resolves when everything submitted so far is answered or given up. What failed is told to its submitter, not here. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#buffer.whenSettled(resolve));
  }

  /** Takes no more tasks, flushes, then disconnects. Results still awaited reject with CANCELLED. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => {
      this.#sender.stop();
      this.#results.close();
      this.#connection.close();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #encode(input: TaskInput, sink: SubmitSink): BufferedTask {
    try {
      this.#assertOpen();
      return bufferedTask(input, sink, 0, this.#tracing);
    } catch (error) {
      throw new SubmitError(input.id ?? "", toClientError(error));
    }
  }

  /** Takes a task back. False: it was answered. */
  #drop(task: BufferedTask): boolean {
    if (!this.#buffer.settle(task)) return false;
    task.trace?.end({ code: "CANCELLED", message: "given up by the program before it was answered" });
    return true;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) {
      throw new SluiceClientError("FAILED_PRECONDITION", "this emitter is closed: make a new one");
    }
  }
}

/** Connects one `submit` with its promise. */
class OneSubmit implements SubmitSink {
  readonly #results: ResultWaiter;
  readonly #resolve: (handle: TaskHandle) => void;
  readonly #reject: (error: unknown) => void;
  #unlisten: (() => void) | undefined;

  constructor(results: ResultWaiter, resolve: (handle: TaskHandle) => void, reject: (error: unknown) => void) {
    this.#results = results;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** @param drop - takes the task back; false when it was answered */
  dropOnAbort(signal: AbortSignal, drop: () => boolean): void {
    const abort = (): void => {
      if (drop()) this.#reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#unlisten = () => signal.removeEventListener("abort", abort);
  }

  admitted(): void {
    // The caller awaits the answer, not the room.
  }

  accepted(task: BufferedTask, duplicate: boolean): void {
    this.#unlisten?.();
    this.#resolve(new AcceptedTask(task.id, duplicate, this.#results));
  }

  refused(_task: BufferedTask, error: SubmitError): void {
    this.#unlisten?.();
    this.#reject(error);
  }
}

class AcceptedTask implements TaskHandle {
  readonly id: string;
  readonly duplicate: boolean;
  readonly #results: ResultWaiter;

  constructor(id: string, duplicate: boolean, results: ResultWaiter) {
    this.id = id;
    this.duplicate = duplicate;
    this.#results = results;
  }

  result(options: ResultOptions = {}): Promise<TaskOutcome> {
    return this.#results.wait(this.id, options);
  }
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1) return value;
  throw new SluiceClientError("INVALID_ARGUMENT", `${name} is ${value}: it must be at least 1`);
}
