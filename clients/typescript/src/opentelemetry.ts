/**
 * Traces tasks by OpenTelemetry, by the semantic conventions for messaging: `submit QUEUE` (PRODUCER) in the emitter, its
 * child `process QUEUE` (CONSUMER) for each attempt in the analyzer.
 *
 * The only file of the SDK that imports `@opentelemetry/api`, which whoever imports this one has to install. What is traced
 * and where it goes is up to the OpenTelemetry SDK of the program; without one all of this does nothing.
 */
import {
  type Attributes,
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { ReceivedTask } from "./analyzer/received-task.ts";
import type { AttemptTrace, SubmittedTask, TraceCarrier, TraceStep, Tracing } from "./tracing.ts";

/** What to trace with. */
export interface OpenTelemetryOptions {
  /** Default: that of the globally registered provider, also when it is registered later. */
  readonly tracer?: Tracer | undefined;
  /** Default: the globally registered one. */
  readonly propagator?: TextMapPropagator | undefined;
}

/** Makes what `Emitter` and `Analyzer` take as `tracing`. */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracing {
  const tracer = options.tracer ?? trace.getTracer("@sluice/client");
  const propagate = carrying(options.propagator);
  return {
    submit: (task) => submitStep(task, tracer, propagate),
    attempt: (task, attempt, analyzerId) => attemptStep(task, { attempt, analyzerId }, tracer, propagate),
  };
}

/** The attributes of a span about a task, by the semantic conventions. */
export function messagingAttributes(
  operation: string,
  task: { readonly id: string; readonly queue: string },
): Attributes {
  return {
    "messaging.system": "sluice",
    "messaging.operation.name": operation,
    "messaging.destination.name": task.queue,
    "messaging.message.id": task.id,
  };
}

function submitStep(task: SubmittedTask, tracer: Tracer, propagate: Propagation): TraceStep {
  const active = context.active();
  // Who submits what belongs to a trace of somebody else may name it in the attributes.
  const parent = trace.getSpan(active) === undefined ? propagate.extract(active, task.attributes) : active;
  const attributes = {
    ...messagingAttributes("submit", task),
    ...typeAttribute(task.type),
    "messaging.operation.type": "send",
  };
  const span = tracer.startSpan(`submit ${task.queue}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  return { carrier: propagate.inject(trace.setSpan(parent, span)), end: ending(span) };
}

function attemptStep(
  task: ReceivedTask,
  { attempt, analyzerId }: { readonly attempt: number; readonly analyzerId: string },
  tracer: Tracer,
  propagate: Propagation,
): AttemptTrace {
  const parent = propagate.extract(ROOT_CONTEXT, task.attributes);
  const attributes = {
    ...messagingAttributes("process", task),
    ...typeAttribute(task.type),
    "messaging.operation.type": "process",
    "messaging.client.id": analyzerId,
    "sluice.task.attempt": attempt,
  };
  const span = tracer.startSpan(`process ${task.queue}`, { kind: SpanKind.CONSUMER, attributes }, parent);
  const within = trace.setSpan(parent, span);
  return {
    carrier: propagate.inject(within),
    end: ending(span),
    run: (handler) => context.with(within, handler),
  };
}

function typeAttribute(type: string): Attributes {
  return type === "" ? {} : { "sluice.task.type": type };
}

function ending(span: Span): TraceStep["end"] {
  return (failure) => {
    if (failure !== undefined) {
      span.setAttribute("error.type", failure.code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    span.end();
  };
}

interface Propagation {
  extract(parent: Context, carrier: TraceCarrier): Context;
  inject(from: Context): TraceCarrier;
}

function carrying(propagator: TextMapPropagator | undefined): Propagation {
  return {
    extract: (parent, carrier) =>
      propagator === undefined
        ? propagation.extract(parent, carrier)
        : propagator.extract(parent, carrier, defaultTextMapGetter),
    inject: (from) => {
      const carrier: Record<string, string> = {};
      if (propagator === undefined) propagation.inject(from, carrier);
      else propagator.inject(from, carrier, defaultTextMapSetter);
      return carrier;
    },
  };
}
