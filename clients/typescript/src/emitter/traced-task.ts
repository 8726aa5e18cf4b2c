/**
 * A task on its way into the buffer: encoded, with the trace context of its submit among its attributes if it is traced.
 */

import type { TraceCarrier, TraceStep, Tracing } from "../tracing.ts";
import { toClientError } from "../wire/status.ts";
import { BufferedTask, type SubmitSink } from "./buffered-task.ts";
import { encodeTask } from "./task-encoding.ts";
import { newTaskId } from "./task-id.ts";
import type { TaskInput } from "./task-input.ts";

/** The contract's limits of attributes. What exceeds them is left out: tracing must not make a submit fail. */
const MAX_ATTRIBUTES = 64;
const MAX_VALUE_BYTES = 4096;
/** Name of the queue of a task that names none. */
const DEFAULT_QUEUE = "default";

/** Encodes a task for the buffer. INVALID_ARGUMENT when it cannot be encoded. */
export function bufferedTask(
  input: TaskInput,
  sink: SubmitSink,
  index: number,
  tracing: Tracing | undefined,
): BufferedTask {
  if (tracing === undefined) {
    const { id, encoded } = encodeTask(input);
    return new BufferedTask(id, encoded, sink, index);
  }
  const { queue = DEFAULT_QUEUE, type = "", attributes = {} } = input;
  const id = input.id ?? newTaskId();
  const step = tracing.submit({ id, queue, type, attributes });
  try {
    const { encoded } = encodeTask({ ...input, id, attributes: withCarrier(attributes, step) });
    return new BufferedTask(id, encoded, sink, index, step);
  } catch (error) {
    step.end(toClientError(error));
    throw error;
  }
}

function withCarrier(attributes: TraceCarrier, { carrier }: TraceStep): TraceCarrier {
  const fitting = Object.entries(carrier).filter(([, value]) => Buffer.byteLength(value) <= MAX_VALUE_BYTES);
  const together = { ...attributes, ...Object.fromEntries(fitting) };
  return Object.keys(together).length <= MAX_ATTRIBUTES ? together : attributes;
}
