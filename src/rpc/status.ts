/**
 * Errors as callers see them, and as gRPC statuses.
 *
 *  E1  An expected error keeps its code and message; a retry hint travels as google.rpc.RetryInfo in the trailers.
 *  E2  Anything else is INTERNAL with a message that gives nothing away, and the cause goes to the log.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, status } from "@grpc/grpc-js";
import { SluiceError } from "../core/errors.ts";
import { MAX_STATUS_BYTES } from "./limits.ts";
import { asBuffer } from "./wire/bytes.ts";
import { statusText } from "./wire/text.ts";

/** Names of what this floor reports: stable, so that alerts can rely on them. */
export type RpcEvent =
  /** A call failed for a reason that is the node's fault. */
  | "rpc.fault"
  /** An operator changed something, or was refused to. */
  | "operator.action"
  /** Connections are closed at once, because there are too many. Said once until one is taken again. */
  | "connection.refused"
  /** A connection could not be accepted, for example because too many files are open. */
  | "connection.failed"
  /** Connections were ended because of what they did: too many frames of no use, too much held in memory. */
  | "connection.cut";

/** What is reported, under its name. */
export type RpcFields = Readonly<Record<string, unknown>> & { readonly event: RpcEvent };

/** Takes what an operator should know. A pino logger fits. */
export interface RpcLogger {
  info(fields: RpcFields, message: string): void;
  warn(fields: RpcFields, message: string): void;
  error(fields: RpcFields, message: string): void;
}

/** A status that is not OK, as grpc-js takes it from handlers. */
export interface ErrorStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

const NANOS_PER_MS = 1_000_000;

/** The status for an error that a call ran into. `method` is its path, for the log. */
export function toStatus(error: unknown, method: string, logger: RpcLogger): ErrorStatus {
  return sluiceStatus(refusalOf(error, method, logger));
}

/** What the caller is told of an error: E1 and E2, for every protocol. `method` is its path, for the log. */
export function refusalOf(error: unknown, method: string, logger: RpcLogger): SluiceError {
  if (error instanceof SluiceError) return error;
  logger.error({ event: "rpc.fault", method, err: error }, "a call failed for a reason that is the node's fault");
  return new SluiceError("INTERNAL", "the node failed to answer; its log has the cause");
}

/** The status for an expected error. */
export function sluiceStatus(error: SluiceError): ErrorStatus {
  const code = status[error.code];
  const details = statusText(error.message, MAX_STATUS_BYTES);
  const metadata = new Metadata();
  if (error.retryAfterMs > 0) {
    metadata.set("grpc-status-details-bin", encodeRetryStatus(code, details, Math.ceil(error.retryAfterMs)));
  }
  return { code, details, metadata };
}

/** Type of the detail that says when to try again. */
export const RETRY_INFO_TYPE = "google.rpc.RetryInfo";

/** Encodes a google.rpc.RetryInfo. Its schema is too small to be worth generated code. */
export function encodeRetryInfo(retryAfterMs: number): Uint8Array<ArrayBuffer> {
  const retryInfo = new BinaryWriter();
  retryInfo.uint32(0x0a).fork();
  retryInfo.uint32(0x08).int64(Math.floor(retryAfterMs / 1000));
  retryInfo.uint32(0x10).int32((retryAfterMs % 1000) * NANOS_PER_MS);
  return retryInfo.join().finish();
}

/** Encodes a google.rpc.Status with a google.rpc.RetryInfo. */
function encodeRetryStatus(code: number, message: string, retryAfterMs: number): Buffer {
  const encoded = new BinaryWriter();
  encoded.uint32(0x08).int32(code).uint32(0x12).string(message);
  encoded.uint32(0x1a).fork();
  encoded.uint32(0x0a).string(`type.googleapis.com/${RETRY_INFO_TYPE}`);
  encoded.uint32(0x12).bytes(encodeRetryInfo(retryAfterMs));
  return asBuffer(encoded.join().finish());
}
