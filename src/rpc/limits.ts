/**
 * Limits of the network side of a node: what an operator may change, and what is fixed.
 */
import { MAX_TASK_OVERHEAD_BYTES } from "./wire/task-spec.ts";

/** What an operator sets. */
export interface RpcLimits {
  /** Largest message that is taken; larger ends the call with RESOURCE_EXHAUSTED. Default 4 MiB, as in every gRPC. */
  readonly maxMessageBytes: number;
  /** Largest payload of a task (larger is INVALID_ARGUMENT) and output of a result (larger fails the task). Default 1 MiB. */
  readonly maxPayloadBytes: number;
  /** Calls at a time on one connection; clients hold further ones back. Default 1000. */
  readonly maxStreamsPerConnection: number;
  /** Connections at a time; further ones are closed at once. Default 20000. */
  readonly maxConnections: number;
}

/** What holds unless the operator says otherwise. */
export const DEFAULT_RPC_LIMITS: RpcLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxPayloadBytes: 1024 * 1024,
  maxStreamsPerConnection: 1000,
  maxConnections: 20_000,
};

/** A connection that says nothing for this long is pinged. Finds peers that vanished, which TCP alone does not. */
export const KEEPALIVE_TIME_MS = 30_000;
/** A ping that is not answered for this long closes the connection. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;
/** Bytes of frames handed to a stream and not yet taken by its socket; with more, no work is sent to that analyzer. */
export const MAX_UNSENT_BYTES = 256 * 1024;
/** A stream that was ended but whose peer does not read is cut with its connection after this long. */
export const STREAM_END_GRACE_MS = 10_000;
/** What calls in flight get when the sockets are about to be closed. */
export const CALL_GRACE_MS = 1_000;
/** Bytes of a status message; longer is cut. Headers have room for little more. */
export const MAX_STATUS_BYTES = 1024;
/** Soft limit of the answer to a list: a quarter of the 4 MiB that clients take. A single task may exceed it. */
export const MAX_PAGE_BYTES = 1024 * 1024;
/** Bytes of a page token; longer is INVALID_ARGUMENT. */
export const MAX_PAGE_TOKEN_BYTES = 1024;
/** Characters of what a caller says of itself that are logged with an operator's action; the rest is cut. */
export const MAX_AUDIT_TEXT_LENGTH = 256;
/** Ids of tasks that are logged with an operator's action; of more only the number is. */
export const MAX_AUDIT_IDS = 10;

/** Refuses limits that contradict each other. */
export function checkLimits(limits: RpcLimits): void {
  const largestTask = limits.maxPayloadBytes + MAX_TASK_OVERHEAD_BYTES;
  if (largestTask > limits.maxMessageBytes) {
    throw new Error(
      `maxMessageBytes (${limits.maxMessageBytes}) must be at least maxPayloadBytes + ${MAX_TASK_OVERHEAD_BYTES} = ` +
        `${largestTask}, or a task of the largest size could not be sent: raise the one or lower the other`,
    );
  }
}
