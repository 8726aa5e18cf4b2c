/**
 * One run of a handler: calls it, lets it be aborted, and turns what it returns or throws into a result for the wire.
 */
import { create } from "@bufbuild/protobuf";
import { FailureSchema, TaskResultSchema } from "../contract.ts";
import { type AbortCause, HandlerAbortedError, HandlerError } from "../errors.ts";
import { encodePayload } from "../payload.ts";
import { type AttemptTrace, carrierIn, type TraceCarrier, traceIdIn } from "../tracing.ts";
import { cut } from "../wire/cut.ts";
import type { HandlerContext, HandlerLookup } from "./handler.ts";
import type { ResultOutcome } from "./held-lease.ts";
import type { ReceivedTask } from "./received-task.ts";

/** What the node cuts anyway; cut here too so that a frame stays within its limit. */
const MAX_CODE_BYTES = 64;
const MAX_MESSAGE_BYTES = 4096;
const MAX_DETAILS_BYTES = 16_384;
const DEFAULT_CODE = "HANDLER_ERROR";

/** Takes progress reports of running handlers. */
export type ProgressListener = (lease: bigint, percent: number, note: string) => void;

/** See the top of the file. */
export class TaskRun implements HandlerContext {
  readonly task: ReceivedTask;
  readonly lease: bigint;
  readonly attempt: number;
  readonly #onProgress: ProgressListener;
  readonly #beginTrace: (() => AttemptTrace) | undefined;
  #trace: AttemptTrace | undefined;
  #controller: AbortController | undefined;
  #aborted: HandlerAbortedError | undefined;
  #over = false;

  /** @param beginTrace - undefined: it is not traced */
  constructor(
    task: ReceivedTask,
    lease: bigint,
    attempt: number,
    onProgress: ProgressListener,
    beginTrace?: () => AttemptTrace,
  ) {
    this.#beginTrace = beginTrace;
    this.task = task;
    this.lease = lease;
    this.attempt = attempt;
    this.#onProgress = onProgress;
  }

  /** Made on first use: most handlers are too short to look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get traceContext(): TraceCarrier {
    return { ...carrierIn(this.task.attributes), ...this.#trace?.carrier };
  }

  /** The trace that the task belongs to, if any. */
  get traceId(): string | undefined {
    return traceIdIn(this.traceContext);
  }

  /** A getter, because handlers take their context apart: `({ signal, progress }) => ...`. */
  get progress(): HandlerContext["progress"] {
    return (percent, note = "") => {
      if (!this.#over && this.#aborted === undefined) this.#onProgress(this.lease, percent, note);
    };
  }

  /** Asks the handler to stop. Only the first reason counts. */
  abort(reason: AbortCause): void {
    if (this.#over || this.#aborted !== undefined) return;
    this.#aborted = new HandlerAbortedError(this.task.id, reason);
    this.#controller?.abort(this.#aborted);
  }

  /**
   * Calls the handler and says how it ended, in the same turn if the handler did not wait.
   * @param maxOutputBytes - a larger output is a non-retryable failure
   */
  start(lookup: HandlerLookup, maxOutputBytes: number, done: (outcome: ResultOutcome) => void): void {
    const trace = this.#beginTrace?.();
    this.#trace = trace;
    const settle = (outcome: ResultOutcome): void => {
      this.#over = true;
      trace?.end(outcome.case === "failure" ? outcome.value.error : undefined);
      done(outcome);
    };
    const succeed = (value: unknown): void => settle(success(value, maxOutputBytes));
    const fail = (error: unknown): void => settle(failure(error));
    const handler = lookup(this.task.type);
    if (handler === undefined) {
      fail(new HandlerError(`no handler for tasks of type "${this.task.type}"`, { code: "NO_HANDLER" }));
      return;
    }
    let returned: unknown;
    try {
      returned = trace === undefined ? handler(this.task, this) : trace.run(() => handler(this.task, this));
    } catch (error) {
      fail(error);
      return;
    }
    if (isThenable(returned)) returned.then(succeed, fail);
    else succeed(returned);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function success(value: unknown, maxOutputBytes: number): ResultOutcome {
  const result = create(TaskResultSchema);
  try {
    const { bytes, contentType } = encodePayload(value);
    result.output = bytes;
    result.contentType = contentType;
  } catch (error) {
    return failure(error);
  }
  if (result.output.length <= maxOutputBytes) return { case: "success", value: result };
  return failure(
    new HandlerError(`the output has ${result.output.length} bytes, more than ${maxOutputBytes}: return a reference`, {
      code: "OUTPUT_TOO_LARGE",
      nonRetryable: true,
    }),
  );
}

function failure(error: unknown): ResultOutcome {
  const known = error instanceof HandlerError ? error : undefined;
  const aborted = error instanceof HandlerAbortedError ? error.reason : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const value = create(FailureSchema, {
    error: {
      code: cut(known?.code ?? aborted ?? DEFAULT_CODE, MAX_CODE_BYTES),
      message: cut(message, MAX_MESSAGE_BYTES),
      details: detailsOf(error).subarray(0, MAX_DETAILS_BYTES),
    },
    nonRetryable: known?.nonRetryable ?? false,
  });
  return { case: "failure", value };
}

/** What a HandlerError says; for other errors the stack, without which the place of a bug is lost. */
function detailsOf(error: unknown): Uint8Array {
  const details = error instanceof HandlerError ? error.details : undefined;
  try {
    if (details !== undefined) return encodePayload(details).bytes;
  } catch {
    // Details that cannot be encoded must not hide the error itself.
  }
  return Buffer.from(error instanceof Error && !(error instanceof HandlerError) ? (error.stack ?? "") : "");
}
