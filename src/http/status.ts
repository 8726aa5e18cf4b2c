/**
 * Errors as callers of HTTP see them: one form everywhere, that of Connect, `{"code": "not_found", "message": "..."}`.
 *
 *  E1  An expected error keeps its code and message; a retry hint travels as the header `retry-after` and as
 *      google.rpc.RetryInfo.
 *  E2  Anything else is `internal` and gives nothing away; the cause goes to the log (`rpc/status.ts`).
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString, errorToJson } from "@connectrpc/connect/protocol-connect";
import type { ErrorCode, SluiceError } from "../core/errors.ts";
import { MAX_STATUS_BYTES } from "../rpc/limits.ts";
import { encodeRetryInfo, RETRY_INFO_TYPE } from "../rpc/status.ts";
import { statusText } from "../rpc/wire/text.ts";

const CODES: Readonly<Record<ErrorCode, Code>> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
};

/** Statuses of the plain REST face and of what is refused before a method is called. */
const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** The error as Connect, gRPC-Web and gRPC carry it. */
export function connectError(error: SluiceError): ConnectError {
  const carried = new ConnectError(statusText(error.message, MAX_STATUS_BYTES), CODES[error.code], retryAfter(error));
  if (error.retryAfterMs > 0) {
    carried.details.push({ type: RETRY_INFO_TYPE, value: encodeRetryInfo(Math.ceil(error.retryAfterMs)) });
  }
  return carried;
}

/** The error as JSON. */
export function errorBody(error: SluiceError): ReturnType<typeof errorToJson> {
  return errorToJson(connectError(error), undefined);
}

/** A refusal as JSON that has no error of the contract behind it. */
export function refusalBody(code: Code, message: string): { readonly code: string; readonly message: string } {
  return { code: codeToString(code), message };
}

/** The status of a plain answer. */
export function httpStatus(error: SluiceError): number {
  return HTTP_STATUS[error.code];
}

/** When to try again, as a header in whole seconds. */
export function retryAfter({ retryAfterMs }: SluiceError): Record<string, string> {
  return retryAfterMs > 0 ? { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } : {};
}
