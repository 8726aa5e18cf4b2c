/**
 * Limits of the network side of a node: what an operator may change, and what is fixed.
 */
import type { Rate } from "./guard/allowance.ts";
import { MAX_TASK_OVERHEAD_BYTES } from "./wire/task-spec.ts";

/** What an operator sets. */
export interface RpcLimits {
  /** Largest message that is taken; larger ends the call with RESOURCE_EXHAUSTED. Default 4 MiB, as in every gRPC. */
  readonly maxMessageBytes: number;
  /** Largest payload of a task (larger is INVALID_ARGUMENT) and output of a result (larger fails the task). Default 1 MiB. */
  readonly maxPayloadBytes: number;
  /** Calls at a time on one connection; clients hold further ones back. Default 1000. */
  readonly maxStreamsPerConnection: number;
  /** Connections at a time; further ones take the place of one without a call, or are closed. Default 20000. */
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
/** The same over all streams; with more, only an analyzer that has read everything gets work. */
export const MAX_NODE_UNSENT_BYTES = 128 * 1024 * 1024;
/** Calls of WatchStats at a time: each costs the node a look at all its figures, ten times a second if it likes. */
export const MAX_WATCHERS = 100;
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

/** A connection that has not said what HTTP/2 asks for by then is closed. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A connection without calls for this long is closed in good order. */
export const IDLE_TIMEOUT_MS = 600_000;
/** A call whose request has not come, or has begun and not ended, for this long is reset. */
export const MESSAGE_TIMEOUT_MS = 30_000;
/** How often connections are looked at. */
export const SWEEP_MS = 1_000;
/** Header fields of a call, decoded, with 32 bytes for each; with more it is reset. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** PING and SETTINGS frames, and small parts of messages, of a connection; with more it is ended. */
export const CONTROL_RATE: Rate = { burst: 200, perSecond: 2_000 };
/** Calls that a connection may reset; with more it is ended. */
export const RESET_RATE: Rate = { burst: 100, perSecond: 50 };
/** Parts of a message below this size count as control frames. */
export const SMALL_PART_BYTES = 512;
/** So many parts of a message count for nothing, however small. */
export const FREE_MESSAGE_PARTS = 4;
/** What each part of an unfinished message costs besides its bytes. */
export const MESSAGE_PART_BYTES = 256;
/** Bytes that a connection sends between two sweeps and that belong to no call; with more it is ended. */
export const MAX_OVERHEAD_BYTES = 8 * 1024 * 1024;
/** Bytes in unfinished requests, in compressed ones at their largest, and in unread answers, of a connection; then it is ended. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** The same of all connections; then those that hold most are ended. */
export const MAX_NODE_HELD_BYTES = 256 * 1024 * 1024;
/** Whatever an operator sets, this many of the largest messages may be held. */
export const MIN_HELD_MESSAGES = 4;

/** What may be held with these limits. */
export function heldLimits({ maxMessageBytes }: RpcLimits): { readonly ofConnection: number; readonly ofNode: number } {
  const leastBytes = MIN_HELD_MESSAGES * maxMessageBytes;
  return { ofConnection: Math.max(MAX_HELD_BYTES, leastBytes), ofNode: Math.max(MAX_NODE_HELD_BYTES, leastBytes) };
}

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
