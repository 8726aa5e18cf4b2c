/**
 * The submit calls on the wire: requests in, outcomes out.
 *
 * The batch is the hot path. Its tasks are read one by one, and a task that is refused does not harm the others.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { SluiceError } from "../../core/errors.ts";
import { MAX_BATCH_TASKS } from "../../core/limits.ts";
import { asBuffer } from "./bytes.ts";
import { asRefusal, invalid, refusingMalformed } from "./checks.ts";
import { WireReader } from "./reader.ts";
import { type ReceivedTask, readTask, type TaskContext } from "./task-spec.ts";

const TASK_TAG = 0x0a;

/** Decodes a `SubmitRequest`. Throws SluiceError. */
export function decodeSubmit(request: Buffer, context: TaskContext): ReceivedTask {
  const parts: Buffer[] = [];
  eachTask("SubmitRequest", request, (reader, end) => parts.push(request.subarray(reader.pos, end)));
  const [first] = parts;
  if (first === undefined) throw invalid("task is missing");
  // Repeated singular messages are merged, and merging is what concatenated bytes mean.
  const task = parts.length === 1 ? first : Buffer.concat(parts);
  return refusingMalformed("TaskSpec", () => readTask(new WireReader(task), task.length, context));
}

/** Decodes a `SubmitBatchRequest`: each task, or why it is refused, in order. Throws SluiceError for the batch as a whole. */
export function decodeSubmitBatch(request: Buffer, context: TaskContext): (ReceivedTask | SluiceError)[] {
  const tasks: (ReceivedTask | SluiceError)[] = [];
  eachTask("SubmitBatchRequest", request, (reader, end) => tasks.push(readOrRefuse(reader, end, context)));
  if (tasks.length === 0) throw invalid(`the batch is empty: submit 1 to ${MAX_BATCH_TASKS} tasks`);
  return tasks;
}

/** Calls back for each task of a request, with the reader at its start. Both requests have their tasks in field 1. */
function eachTask(message: string, request: Buffer, found: (reader: WireReader, end: number) => void): void {
  refusingMalformed(message, () => {
    const reader = new WireReader(request);
    let count = 0;
    while (reader.pos < reader.len) {
      const tag = reader.next();
      if (tag !== TASK_TAG) {
        reader.unknown(tag, 1);
        continue;
      }
      count += 1;
      if (count > MAX_BATCH_TASKS) throw invalid(`a request may have at most ${MAX_BATCH_TASKS} tasks: split it`);
      const end = reader.enter();
      found(reader, end);
      reader.pos = end;
    }
  });
}

function readOrRefuse(reader: WireReader, end: number, context: TaskContext): ReceivedTask | SluiceError {
  try {
    return readTask(reader, end, context);
  } catch (error) {
    return asRefusal("TaskSpec", error);
  }
}

/** What is answered for one task of a batch. */
export interface TaskAnswer {
  /** The id, if the node set it; else empty. */
  readonly newId: string;
  readonly duplicate: boolean;
  readonly error?: { readonly code: number; readonly message: string; readonly retryAfterMs: number };
}

/** Encodes a `SubmitBatchResponse`. */
export function encodeSubmitBatchResponse(answers: readonly TaskAnswer[]): Buffer {
  const writer = new BinaryWriter();
  for (const { newId, duplicate, error } of answers) {
    writer.uint32(0x0a).fork();
    if (newId !== "") writer.uint32(0x0a).string(newId);
    if (duplicate) writer.uint32(0x10).bool(true);
    if (error !== undefined) {
      writer.uint32(0x1a).fork().uint32(0x08).uint32(error.code).uint32(0x12).string(error.message);
      if (error.retryAfterMs > 0) writer.uint32(0x18).uint32(error.retryAfterMs);
      writer.join();
    }
    writer.join();
  }
  return asBuffer(writer.finish());
}
