/**
 * Submits an iterable of any length with bounded memory: the next task is asked for when there is room for it.
 */
import { SluiceClientError, SubmitError } from "../errors.ts";
import type { Tracing } from "../tracing.ts";
import { toClientError } from "../wire/status.ts";
import type { BufferedTask, SubmitSink } from "./buffered-task.ts";
import type { TaskInput } from "./task-input.ts";
import { bufferedTask } from "./traced-task.ts";

/** A task of `submitMany` that was not accepted. */
export interface SubmitFailure {
  /** Where it came in the iterable, from 0. */
  readonly index: number;
  readonly error: SubmitError;
}

/** What became of the tasks of `submitMany`. */
export interface SubmitSummary {
  /** Tasks that the node has durably, duplicates included. */
  readonly accepted: number;
  /** Those of them that it had before. */
  readonly duplicates: number;
  /** Tasks refused for what they are (INVALID_ARGUMENT, ALREADY_EXISTS). */
  readonly failures: number;
  /** The first 1000 of these. */
  readonly failed: readonly SubmitFailure[];
}

/** `submitMany` stopped early: the node could not be reached, or refuses this client. The cause is in `cause`. */
export class SubmitManyError extends SluiceClientError {
  override readonly name = "SubmitManyError";
  /** What had become of the tasks until then. */
  readonly summary: SubmitSummary;

  constructor(reason: SluiceClientError, summary: SubmitSummary) {
    super(reason.code, `stopped after ${summary.accepted} accepted tasks: ${reason.message}`, { cause: reason });
    this.summary = summary;
  }
}

/** Options of `submitMany`. */
export interface SubmitManyOptions {
  /** Called with the number of tasks accepted so far, at most once per answered batch. */
  readonly onProgress?: ((accepted: number) => void) | undefined;
  /** Stops early: what was not sent is dropped, what is in flight may still be accepted. Rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Where tasks go: `add` returns false when there is no room for more, `drop` takes back what was not sent. */
export interface SubmitPort {
  readonly tracing?: Tracing | undefined;
  add(task: BufferedTask): boolean;
  drop(sink: SubmitSink): void;
}

const MAX_REPORTED_FAILURES = 1000;

/** See `Emitter.submitMany`. */
export async function submitMany(
  port: SubmitPort,
  tasks: Iterable<TaskInput> | AsyncIterable<TaskInput>,
  options: SubmitManyOptions,
): Promise<SubmitSummary> {
  const { signal } = options;
  signal?.throwIfAborted();
  const run = new ManySubmit(options.onProgress);
  const abort = (): void => run.stop(signal?.reason);
  signal?.addEventListener("abort", abort);
  const iterator = Symbol.asyncIterator in tasks ? tasks[Symbol.asyncIterator]() : tasks[Symbol.iterator]();
  let exhausted = false;
  try {
    for (let index = 0; run.goesOn; index++) {
      // An array or generator is not worth a microtask per task.
      const next = iterator.next();
      const step = next instanceof Promise ? await next : next;
      if (step.done === true) {
        exhausted = true;
        break;
      }
      if (run.goesOn && !run.submit(port, step.value, index)) await run.room();
    }
    return await run.finished();
  } catch (error) {
    run.stop(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    if (!run.goesOn) port.drop(run);
    if (!exhausted) await iterator.return?.();
  }
}

class ManySubmit implements SubmitSink {
  readonly #onProgress: ((accepted: number) => void) | undefined;
  #accepted = 0;
  #duplicates = 0;
  #failures = 0;
  readonly #failed: SubmitFailure[] = [];
  #pending = 0;
  #stopped: { readonly reason: unknown } | undefined;
  #progressDue = false;
  #wake: (() => void) | undefined;
  #outside = false;

  constructor(onProgress: ((accepted: number) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  get goesOn(): boolean {
    return this.#stopped === undefined;
  }

  /** False: wait for `room` before the next one. */
  submit(port: SubmitPort, input: TaskInput, index: number): boolean {
    let task: BufferedTask;
    try {
      task = bufferedTask(input, this, index, port.tracing);
    } catch (error) {
      this.#fail(index, new SubmitError("", toClientError(error)));
      return true;
    }
    this.#pending++;
    this.#outside = !port.add(task);
    return !this.#outside;
  }

  async room(): Promise<void> {
    while (this.#outside && this.goesOn) await this.#change();
  }

  async finished(): Promise<SubmitSummary> {
    while (this.#pending > 0 && this.goesOn) await this.#change();
    const summary = this.#summary();
    if (this.#stopped === undefined) return summary;
    const { reason } = this.#stopped;
    throw reason instanceof SubmitError ? new SubmitManyError(reason, summary) : reason;
  }

  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#changed();
  }

  admitted(): void {
    this.#outside = false;
    this.#changed();
  }

  accepted(_task: BufferedTask, duplicate: boolean): void {
    this.#pending--;
    this.#accepted++;
    if (duplicate) this.#duplicates++;
    if (this.#onProgress !== undefined && !this.#progressDue) {
      this.#progressDue = true;
      queueMicrotask(() => this.#report());
    }
    if (this.#pending === 0) this.#changed();
  }

  refused(task: BufferedTask, error: SubmitError): void {
    this.#pending--;
    this.#outside = false;
    if (error.code === "INVALID_ARGUMENT" || error.code === "ALREADY_EXISTS") this.#fail(task.index, error);
    else this.stop(error);
    this.#changed();
  }

  #summary(): SubmitSummary {
    return {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      failures: this.#failures,
      failed: this.#failed,
    };
  }

  #report(): void {
    this.#progressDue = false;
    try {
      this.#onProgress?.(this.#accepted);
    } catch (error) {
      this.stop(error);
    }
  }

  #fail(index: number, error: SubmitError): void {
    this.#failures++;
    if (this.#failed.length < MAX_REPORTED_FAILURES) this.#failed.push({ index, error });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
