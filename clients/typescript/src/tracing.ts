/**
 * How the SDK is traced: by whatever a program gives it. `@sluice/client/opentelemetry` makes one for OpenTelemetry.
 *
 * The trace context of W3C travels in the attributes of a task: `traceparent`, `tracestate` and `baggage`, from the emitter
 * to the handler, untouched by the node.
 */
import type { ReceivedTask } from "./analyzer/received-task.ts";

/** Attributes that carry a trace, as W3C Trace Context names them, ready to be sent on. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** One step of a task's way. Ends once. */
export interface TraceStep {
  /** Names this step as the parent of what follows. Empty: nothing is traced. */
  readonly carrier: TraceCarrier;
  /** The step is over; with why, if it failed. */
  end(failure?: { readonly code: string; readonly message: string }): void;
}

/** A handler at work on a task. */
export interface AttemptTrace extends TraceStep {
  /** Calls the handler so that what it traces becomes part of this step. */
  run<Result>(handler: () => Result): Result;
}

/** A task that is about to be submitted. */
export interface SubmittedTask {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly attributes: TraceCarrier;
}

/** Takes the steps of tasks. Must not throw. Without one nothing is traced, and it costs nothing. */
export interface Tracing {
  /** A task is submitted; the step ends when the node has it or refuses it. Its carrier goes into the attributes. */
  submit(task: SubmittedTask): TraceStep;
  /** A handler is about to be called; the step ends when it has returned or thrown. */
  attempt(task: ReceivedTask, attempt: number, analyzerId: string): AttemptTrace;
}

const TRACEPARENT = "traceparent";
/** The attributes of a task that are its trace context. */
const TRACE_ATTRIBUTES = [TRACEPARENT, "tracestate", "baggage"] as const;

/** The trace context among the attributes of a task. */
export function carrierIn(attributes: Readonly<Record<string, string>>): TraceCarrier {
  return Object.fromEntries(
    TRACE_ATTRIBUTES.flatMap((key) => {
      const value = attributes[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** The trace that a task belongs to: 32 hexadecimal digits. Undefined: none. */
export function traceIdIn(attributes: Readonly<Record<string, string>>): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(attributes[TRACEPARENT] ?? "")?.[1];
}
