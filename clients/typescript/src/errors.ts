/**
 * What the SDK throws: one class with a gRPC status name, and a subclass where a caller gets more to work with.
 */
import type { Task, TaskError } from "./contract.ts";

/** gRPC status codes by number; the place of OK holds UNKNOWN because an error never has it. */
const STATUS_BY_NUMBER = [
  "UNKNOWN",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** Name of a gRPC status code (https://grpc.io/docs/guides/status-codes/). */
export type StatusName = (typeof STATUS_BY_NUMBER)[number];

/** The name of a gRPC status code; UNKNOWN for a number that is none. */
export function statusName(code: number): StatusName {
  return STATUS_BY_NUMBER[code] ?? "UNKNOWN";
}

/** What an error carries besides code and message. */
export interface ErrorDetails {
  readonly cause?: unknown;
  /** The node's hint when to try again. */
  readonly retryAfterMs?: number | undefined;
}

/** An expected error: what a call, a submit or an analyzer ended with. */
export class SluiceClientError extends Error {
  override readonly name: string = "SluiceClientError";
  /** gRPC status name. */
  readonly code: StatusName;
  /** RESOURCE_EXHAUSTED, UNAVAILABLE: try again after this long, if the node said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: StatusName, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * A task was not accepted. INVALID_ARGUMENT: correct the task. ALREADY_EXISTS: the id is taken by another task.
 * UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED: retries were given up; the task may have been accepted, and
 * submitting it again with the same id is safe.
 */
export class SubmitError extends SluiceClientError {
  override readonly name = "SubmitError";
  /** Id of the task; empty when it could not be encoded. */
  readonly taskId: string;

  constructor(taskId: string, reason: SluiceClientError) {
    super(reason.code, reason.message, { cause: reason, retryAfterMs: reason.retryAfterMs });
    this.taskId = taskId;
  }
}

/** A task whose result was awaited is a dead letter: its attempts are used up, or its error was non-retryable. */
export class TaskFailedError extends SluiceClientError {
  override readonly name = "TaskFailedError";
  /** The task as it ended, with its history. */
  readonly task: Task;
  /** The last error, as the handler or the node reported it. */
  readonly error: TaskError | undefined;

  constructor(task: Task) {
    const last = task.error === undefined ? "no error recorded" : `${task.error.code}: ${task.error.message}`;
    super("ABORTED", `task ${task.spec?.id ?? ""} failed after ${task.attempts} attempts, last with ${last}`);
    this.task = task;
    this.error = task.error;
  }
}

/** A task whose result was awaited was cancelled. */
export class TaskCancelledError extends SluiceClientError {
  override readonly name = "TaskCancelledError";
  /** The task as it ended. */
  readonly task: Task;

  constructor(task: Task) {
    super("CANCELLED", `task ${task.spec?.id ?? ""} was cancelled`);
    this.task = task;
  }
}

/** Why the signal of a running handler was aborted. */
export type AbortCause =
  /** An operator or emitter cancelled the task; whatever the handler answers, the task ends CANCELLED. */
  | "CANCELLED"
  /** The attempt ran longer than the task's timeout; the node has ended it. */
  | "TIMEOUT"
  /** The lease was lost, mostly after a broken connection; another analyzer may be running the task. */
  | "LEASE_LOST"
  /** The analyzer closes and its drain timeout is over; the task goes back to its place. */
  | "CLOSING";

const ABORT_CODES: Readonly<Record<AbortCause, StatusName>> = {
  CANCELLED: "CANCELLED",
  TIMEOUT: "DEADLINE_EXCEEDED",
  LEASE_LOST: "ABORTED",
  CLOSING: "UNAVAILABLE",
};

/** The reason of a handler's aborted signal. */
export class HandlerAbortedError extends SluiceClientError {
  override readonly name = "HandlerAbortedError";
  readonly reason: AbortCause;

  constructor(taskId: string, reason: AbortCause) {
    super(ABORT_CODES[reason], `stop the work on task ${taskId}: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Thrown by a handler to say more about a failed attempt. Anything else that a handler throws is a retryable failure with
 * the code HANDLER_ERROR.
 */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  /** Short code for programs: at most 64 bytes, longer is cut. Default HANDLER_ERROR. */
  readonly code: string;
  /** Kept with the attempt: bytes, text, or anything as JSON; at most 16 KiB, longer is cut. */
  readonly details: unknown;
  /** True: do not try again, the task becomes a dead letter now. Default false. */
  readonly nonRetryable: boolean;

  constructor(
    message: string,
    options: { code?: string; details?: unknown; nonRetryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "HANDLER_ERROR";
    this.details = options.details;
    this.nonRetryable = options.nonRetryable ?? false;
  }
}
