/**
 * The spans of a node, as parts of the traces that tasks bring along: `accept QUEUE`, from the collection of a submit to its
 * commit, and `wait QUEUE`, from when the task was ready to its first delivery. Both are children of the emitter's
 * `submit QUEUE`. A node begins no trace of its own: a task without trace context gets no span.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { propagation, ROOT_CONTEXT, SpanKind, type Tracer } from "@opentelemetry/api";
import { type TaskSpec, TaskSpecSchema } from "@sluice/client/contract";
import { messagingAttributes } from "@sluice/client/opentelemetry";
import type { NewTask } from "../../core/task.ts";
import type { TaskObserver } from "../../engine/task-observer.ts";
import type { ClaimedTask } from "../../store/port.ts";

/** Enough of a spec's bytes to tell that it has no trace context without decoding it. */
const TRACEPARENT = Buffer.from("traceparent");

/** See the top of the file. */
export class TaskSpans implements TaskObserver {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  accepted(task: NewTask, sinceMs: number, nowMs: number): void {
    if (task.attributes["traceparent"] === undefined) return;
    const parent = propagation.extract(ROOT_CONTEXT, task.attributes);
    const attributes = messagingAttributes("accept", task);
    const options = { kind: SpanKind.SERVER, startTime: sinceMs, attributes };
    this.#tracer.startSpan(`accept ${task.queue}`, options, parent).end(nowMs);
  }

  delivered(task: ClaimedTask, analyzerId: string, nowMs: number): string | undefined {
    const bytes = Buffer.from(task.spec.buffer, task.spec.byteOffset, task.spec.byteLength);
    if (!bytes.includes(TRACEPARENT)) return undefined;
    const spec = fromBinary(TaskSpecSchema, task.spec);
    const { traceparent } = spec.attributes;
    if (traceparent === undefined) return undefined;
    // When a later attempt became ready is not on record.
    if (task.attempts === 0) this.#waited(task, spec, analyzerId, nowMs);
    return traceparent.split("-")[1];
  }

  #waited(task: ClaimedTask, spec: TaskSpec, analyzerId: string, nowMs: number): void {
    const parent = propagation.extract(ROOT_CONTEXT, spec.attributes);
    const attributes = {
      ...messagingAttributes("wait", task),
      "messaging.client.id": analyzerId,
    };
    const options = { kind: SpanKind.INTERNAL, startTime: Math.min(nowMs, readyMs(task, spec)), attributes };
    this.#tracer.startSpan(`wait ${task.queue}`, options, parent).end(nowMs);
  }
}

/** A task that was to run later has not waited until then. */
function readyMs({ submittedMs }: ClaimedTask, { start }: TaskSpec): number {
  switch (start.case) {
    case "notBefore":
      return Math.max(submittedMs, timestampMs(start.value));
    case "delayMs":
      return submittedMs + start.value;
    case undefined:
      return submittedMs;
  }
}
