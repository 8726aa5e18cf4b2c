/**
 * What an analyzer's user writes: handlers, and what a handler is given.
 */
import { SluiceClientError } from "../errors.ts";
import type { TraceCarrier } from "../tracing.ts";
import type { ReceivedTask } from "./received-task.ts";

/** What a handler is told besides the task. */
export interface HandlerContext {
  /**
   * Fires when the work should stop: its reason is a HandlerAbortedError that says why. Stopping early frees the place for
   * the next task; ignoring it wastes work but breaks nothing, because a late result is refused.
   */
  readonly signal: AbortSignal;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** The lease: unique per delivery over all nodes and restarts, so also a fencing token for what the handler writes to. */
  readonly lease: bigint;
  /**
   * Trace context to hand on to what the handler calls, as attributes or headers: `traceparent` and the like. That of this
   * attempt if it is traced here, else what came with the task; empty when there is none.
   */
  readonly traceContext: TraceCarrier;
  /**
   * Says how far the work is, for operators. Sent about once a second at most.
   * @param percent - 0 to 100
   * @param note - at most 256 bytes, longer is cut
   */
  progress(percent: number, note?: string): void;
}

/** Undefined is no output, bytes are kept as they are, a string is text, anything else is kept as JSON. */
export type HandlerResult = unknown;

/**
 * Does the work of one task. What it returns, or its promise resolves to, completes the task; what it throws fails the
 * attempt (see HandlerError). A handler that blocks the event loop for longer than the lease time loses its lease, since
 * nothing in the same thread can send heartbeats meanwhile: move such work into a worker thread or a child process.
 */
export type Handler = (task: ReceivedTask, context: HandlerContext) => HandlerResult | Promise<HandlerResult>;

/** One handler for all tasks, or one per task type with "*" for all others. */
export type Handlers = Handler | Readonly<Record<string, Handler>>;

const ANY_TYPE = "*";

/** Finds the handler of a task type. */
export type HandlerLookup = (type: string) => Handler | undefined;

/** INVALID_ARGUMENT when there is no handler at all. */
export function handlerLookup(handlers: Handlers): HandlerLookup {
  if (typeof handlers === "function") return () => handlers;
  const byType = new Map(Object.entries(handlers));
  if (byType.size === 0)
    throw new SluiceClientError("INVALID_ARGUMENT", "no handler given: pass one, or one per task type");
  const fallback = byType.get(ANY_TYPE);
  return (type) => byType.get(type) ?? fallback;
}
