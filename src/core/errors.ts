/**
 * Expected errors, coded. Anything else that is thrown is a fault of the program: INTERNAL for the caller, the cause for
 * the log.
 */

/** gRPC status codes that the node answers with, by name (https://grpc.io/docs/guides/status-codes/). */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE";

/** An expected error. The message tells the caller what to do next. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: ErrorCode;
  /** RESOURCE_EXHAUSTED, UNAVAILABLE: try again after this long; 0 = no hint. */
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, message: string, retryAfterMs = 0) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
