/**
 * Encodes what a program submits as the contract's `TaskSpec`.
 *
 * The frequent fields are written by hand, with one writer for all tasks: this happens once per task and is most of an
 * emitter's work, and the generated encoder needs a message object and a growing buffer for each task. A property test
 * holds the result to that of the generated encoder.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { TimestampSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { RetryPolicySchema, TaskSpecSchema } from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import { encodePayload } from "../payload.ts";
import { newTaskId } from "./task-id.ts";
import type { RetryInput, TaskInput } from "./task-input.ts";

/** A task ready to be sent. */
export interface EncodedTask {
  readonly id: string;
  readonly encoded: Uint8Array;
}

/** Largest encoded task: what fits into one gRPC message with the default limit of 4 MiB. Larger is INVALID_ARGUMENT. */
export const MAX_TASK_BYTES = 4 * 1024 * 1024 - 64;

/** One for all tasks: encoding neither waits nor nests, and the writer's buffer need not grow anew each time. */
const WRITER = new BinaryWriter();

const { field } = TaskSpecSchema;
const { number: ID } = field.id;
const { number: QUEUE } = field.queue;
const { number: TYPE } = field.type;
const { number: PAYLOAD } = field.payload;
const { number: CONTENT_TYPE } = field.contentType;
const { number: ATTRIBUTES } = field.attributes;
const { number: PRIORITY } = field.priority;
const { number: NOT_BEFORE } = field.notBefore;
const { number: DELAY_MS } = field.delayMs;
const { number: TIMEOUT_MS } = field.timeoutMs;
const { number: RETRY } = field.retry;
const { number: FAIRNESS_KEY } = field.fairnessKey;
const { number: FAIRNESS_WEIGHT } = field.fairnessWeight;
/** Fields of a map entry. */
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** Encodes a task and gives it an id. INVALID_ARGUMENT when it cannot be encoded. */
export function encodeTask(input: TaskInput): EncodedTask {
  if (input.notBefore !== undefined && input.delayMs !== undefined) {
    throw new SluiceClientError("INVALID_ARGUMENT", "a task has notBefore and delayMs: set one of them");
  }
  const id = input.id ?? newTaskId();
  let encoded: Uint8Array;
  try {
    writeTask(WRITER, id, input);
    encoded = WRITER.finish();
  } catch (cause) {
    // Forget what was written of it.
    WRITER.finish();
    if (cause instanceof SluiceClientError) throw cause;
    throw new SluiceClientError("INVALID_ARGUMENT", `the task cannot be encoded: ${String(cause)}`, { cause });
  }
  assertFits(encoded.length);
  return { id, encoded };
}

function assertFits(bytes: number): void {
  if (bytes <= MAX_TASK_BYTES) return;
  throw new SluiceClientError(
    "INVALID_ARGUMENT",
    `the task has ${bytes} bytes, more than ${MAX_TASK_BYTES}: store the data elsewhere and submit a reference`,
  );
}

function writeTask(writer: BinaryWriter, id: string, input: TaskInput): void {
  const payload = encodePayload(input.payload);
  // Before the writer's buffer, which is kept, grows to it.
  assertFits(payload.bytes.length);
  writeText(writer, ID, id);
  writeText(writer, QUEUE, input.queue);
  writeText(writer, TYPE, input.type);
  if (payload.bytes.length > 0) writer.tag(PAYLOAD, WireType.LengthDelimited).bytes(payload.bytes);
  writeText(writer, CONTENT_TYPE, input.contentType ?? payload.contentType);
  if (input.attributes !== undefined) writeAttributes(writer, input.attributes);
  if (input.priority !== undefined) writer.tag(PRIORITY, WireType.Varint).uint32(input.priority);
  if (input.notBefore !== undefined) {
    const time = toBinary(TimestampSchema, timestampFromDate(input.notBefore));
    writer.tag(NOT_BEFORE, WireType.LengthDelimited).bytes(time);
  }
  if (input.delayMs !== undefined) writer.tag(DELAY_MS, WireType.Varint).uint32(Math.ceil(input.delayMs));
  if (input.timeoutMs) writer.tag(TIMEOUT_MS, WireType.Varint).uint32(Math.ceil(input.timeoutMs));
  if (input.retry !== undefined) writer.tag(RETRY, WireType.LengthDelimited).bytes(encodeRetry(input.retry));
  writeText(writer, FAIRNESS_KEY, input.fairnessKey);
  if (input.fairnessWeight) writer.tag(FAIRNESS_WEIGHT, WireType.Bit32).float(input.fairnessWeight);
}

function writeText(writer: BinaryWriter, number: number, text: string | undefined): void {
  if (text) writer.tag(number, WireType.LengthDelimited).string(text);
}

function writeAttributes(writer: BinaryWriter, attributes: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.tag(ATTRIBUTES, WireType.LengthDelimited).fork();
    writer.tag(ENTRY_KEY, WireType.LengthDelimited).string(key);
    writer.tag(ENTRY_VALUE, WireType.LengthDelimited).string(value).join();
  }
}

function encodeRetry(retry: RetryInput): Uint8Array {
  const policy = create(RetryPolicySchema, {
    maxAttempts: retry.maxAttempts ?? 0,
    initialBackoffMs: Math.ceil(retry.initialBackoffMs ?? 0),
    backoffFactor: retry.backoffFactor ?? 0,
    maxBackoffMs: Math.ceil(retry.maxBackoffMs ?? 0),
  });
  return toBinary(RetryPolicySchema, policy);
}
