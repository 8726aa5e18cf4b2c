/**
 * Turns what grpc-js reports into errors of the SDK, and says which are worth another try.
 */
import type { ServiceError, StatusObject } from "@grpc/grpc-js";
import { SluiceClientError, statusName } from "../errors.ts";
import { retryAfterMs } from "./retry-info.ts";

const DETAILS_TRAILER = "grpc-status-details-bin";

/** The end of a call that was not OK. */
export function fromStatus(
  status: Pick<StatusObject, "code" | "details" | "metadata">,
  cause?: Error,
): SluiceClientError {
  const trailer = status.metadata.get(DETAILS_TRAILER)[0];
  return new SluiceClientError(statusName(status.code), status.details, {
    cause,
    retryAfterMs: trailer instanceof Uint8Array ? retryAfterMs(trailer) : undefined,
  });
}

/** The error of a unary call. */
export function fromServiceError(error: ServiceError): SluiceClientError {
  return fromStatus(error, error);
}

/** Anything thrown, as an error of the SDK. */
export function toClientError(error: unknown): SluiceClientError {
  if (error instanceof SluiceClientError) return error;
  if (isServiceError(error)) return fromServiceError(error);
  return new SluiceClientError("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}

/**
 * The same call may succeed later, or at another address: the node is away, busy, or the connection broke half-way. A node
 * that dies in the middle of a call is reported by grpc-js as UNAVAILABLE, CANCELLED or a bare RST_STREAM.
 */
export function isTransient(error: SluiceClientError): boolean {
  switch (error.code) {
    case "UNAVAILABLE":
    case "DEADLINE_EXCEEDED":
    case "RESOURCE_EXHAUSTED":
    case "CANCELLED":
      return true;
    case "INTERNAL":
      return error.message.startsWith("Received RST_STREAM");
    default:
      return false;
  }
}
