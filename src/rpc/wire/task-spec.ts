/**
 * Scans an encoded `sluice.v1.TaskSpec` once: checks it, fills in the defaults, and keeps the bytes as they came.
 *
 * Invariants:
 *  T1  What is accepted can be decoded by any protobuf reader, so that no analyzer is poisoned by it.
 *  T2  The kept bytes are the emitter's, followed by id and queue if it left them out: a later scalar wins in protobuf.
 */
import {
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  MAX_ATTEMPTS,
  MAX_ATTRIBUTE_VALUE_BYTES,
  MAX_ATTRIBUTES,
  MAX_BACKOFF_MS,
  MAX_LABEL_BYTES,
  MAX_NAME_BYTES,
  MAX_PRIORITY,
} from "../../core/limits.ts";
import type { NewTask, RetryPolicy } from "../../core/task.ts";
import { keepWith } from "./bytes.ts";
import { checkId, checkName, checkRange, ID_LENGTH, invalid, weightOrOne } from "./checks.ts";
import { checkEntries, type MapLimits, type WireReader } from "./reader.ts";

/** What a task is read with. */
export interface TaskContext {
  /** Wall clock. */
  readonly nowMs: number;
  /** Makes the id of a task that has none: a UUID. */
  readonly newId: () => string;
  /** Largest payload. */
  readonly maxPayloadBytes: number;
}

/** A task as received. */
export interface ReceivedTask {
  readonly task: NewTask;
  /** The emitter left the id out. */
  readonly idIsNew: boolean;
}

/**
 * Bytes that a task may have besides its payload. All known fields at their limits take less than 300 KiB; the bound is for
 * repeated and unknown ones, which must not make a task too large to be delivered.
 */
export const MAX_TASK_OVERHEAD_BYTES = 512 * 1024;

const DEFAULT_QUEUE = "default";
const DEFAULT_QUEUE_FIELD = Buffer.from(`\x12\x07${DEFAULT_QUEUE}`);
const NOTHING = new Uint8Array(0);
const ATTRIBUTES: MapLimits = {
  field: "attributes",
  entries: MAX_ATTRIBUTES,
  keyBytes: MAX_LABEL_BYTES,
  valueBytes: MAX_ATTRIBUTE_VALUE_BYTES,
};
const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});
/** The last second of the year 9999, which is where a Timestamp ends. */
const MAX_TIMESTAMP_SECONDS = 253_402_300_799;
const MAX_NANOS = 999_999_999;
const NANOS_PER_MS = 1_000_000;

/** The fields as far as they have been read. Timestamp and retry stay, because a repeated message field is merged. */
interface Fields {
  id: string;
  queue: string;
  type: string;
  attributes: Record<string, string> | undefined;
  priority: number;
  notBefore: { seconds: number; nanos: number } | undefined;
  delayMs: number;
  timeoutMs: number;
  retry: { -readonly [K in keyof RetryPolicy]: RetryPolicy[K] } | undefined;
  fairnessKey: string;
  fairnessWeight: number;
}

/** Reads the task that ends at `end`. Throws SluiceError for a broken limit and any other error for malformed bytes. */
export function readTask(reader: WireReader, end: number, context: TaskContext): ReceivedTask {
  const start = reader.pos;
  const fields: Fields = {
    id: "",
    queue: "",
    type: "",
    attributes: undefined,
    priority: DEFAULT_PRIORITY,
    notBefore: undefined,
    delayMs: 0,
    timeoutMs: 0,
    retry: undefined,
    fairnessKey: "",
    fairnessWeight: 0,
  };
  while (reader.pos < end) readField(reader, fields, context);
  reader.leave(end);
  const idIsNew = fields.id === "";
  const id = idIsNew ? context.newId() : fields.id;
  const additions = missingFields(idIsNew ? id : "", fields.queue === "");
  return { task: complete(fields, id, keepWith(reader.buffer, start, end, additions), context), idIsNew };
}

function readField(reader: WireReader, fields: Fields, context: TaskContext): void {
  const tag = reader.next();
  switch (tag) {
    case 0x0a:
      fields.id = reader.text(ID_LENGTH, "id");
      return;
    case 0x12:
      fields.queue = reader.text(MAX_NAME_BYTES, "queue");
      return;
    case 0x1a:
      fields.type = reader.text(MAX_LABEL_BYTES, "type");
      return;
    case 0x22:
      skipPayload(reader, context.maxPayloadBytes);
      return;
    case 0x2a:
      reader.skipText(MAX_LABEL_BYTES, "content_type");
      return;
    case 0x32:
      fields.attributes ??= {};
      reader.mapEntry(fields.attributes, ATTRIBUTES);
      return;
    case 0x38:
      fields.priority = reader.uint32();
      return;
    case 0x42:
      fields.delayMs = 0;
      fields.notBefore ??= { seconds: 0, nanos: 0 };
      readTimestamp(reader, fields.notBefore);
      return;
    case 0x48:
      fields.notBefore = undefined;
      fields.delayMs = reader.uint32();
      return;
    case 0x50:
      fields.timeoutMs = reader.uint32();
      return;
    case 0x5a:
      fields.retry ??= { maxAttempts: 0, initialBackoffMs: 0, backoffFactor: 0, maxBackoffMs: 0 };
      readRetry(reader, fields.retry);
      return;
    case 0x62:
      fields.fairnessKey = reader.text(MAX_LABEL_BYTES, "fairness_key");
      return;
    case 0x6d:
      fields.fairnessWeight = reader.float();
      return;
    default:
      reader.unknown(tag, 13);
  }
}

function skipPayload(reader: WireReader, maxPayloadBytes: number): void {
  const length = reader.skipBytes();
  if (length > maxPayloadBytes) {
    throw invalid(
      `payload may have at most ${maxPayloadBytes} bytes, not ${length}: store it elsewhere and send where`,
    );
  }
}

function readTimestamp(reader: WireReader, into: { seconds: number; nanos: number }): void {
  const end = reader.enter();
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x08) into.seconds = Number(reader.int64());
    else if (tag === 0x10) into.nanos = reader.int32();
    else reader.unknown(tag, 2);
  }
  reader.leave(end);
}

function readRetry(reader: WireReader, into: NonNullable<Fields["retry"]>): void {
  const end = reader.enter();
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x08) into.maxAttempts = reader.uint32();
    else if (tag === 0x10) into.initialBackoffMs = reader.uint32();
    else if (tag === 0x19) into.backoffFactor = reader.double();
    else if (tag === 0x20) into.maxBackoffMs = reader.uint32();
    else reader.unknown(tag, 4);
  }
  reader.leave(end);
}

function complete(fields: Fields, id: string, spec: Uint8Array, context: TaskContext): NewTask {
  checkId(id, "id");
  const queue = fields.queue === "" ? DEFAULT_QUEUE : fields.queue;
  checkName(queue, "queue");
  checkRange(fields.priority, 0, MAX_PRIORITY, "priority");
  if (fields.attributes !== undefined) checkEntries(fields.attributes, ATTRIBUTES);
  if (spec.length > context.maxPayloadBytes + MAX_TASK_OVERHEAD_BYTES) {
    throw invalid(`a task may have at most ${MAX_TASK_OVERHEAD_BYTES} bytes besides its payload limit`);
  }
  return {
    id,
    queue,
    type: fields.type,
    priority: fields.priority,
    startAtMs: startAt(fields, context.nowMs),
    timeoutMs: fields.timeoutMs,
    retry: fields.retry === undefined ? DEFAULT_RETRY : completeRetry(fields.retry),
    fairnessKey: fields.fairnessKey,
    fairnessWeight: weightOrOne(fields.fairnessWeight, "fairness_weight"),
    attributes: fields.attributes ?? NO_ATTRIBUTES,
    spec,
  };
}

function startAt(fields: Fields, nowMs: number): number {
  if (fields.delayMs > 0) return nowMs + fields.delayMs;
  if (fields.notBefore === undefined) return 0;
  const { seconds, nanos } = fields.notBefore;
  checkRange(nanos, 0, MAX_NANOS, "not_before.nanos");
  if (seconds > MAX_TIMESTAMP_SECONDS) throw invalid("not_before lies after the year 9999");
  // Rounded up: never before the time that was asked for.
  const atMs = seconds * 1000 + Math.ceil(nanos / NANOS_PER_MS);
  return atMs > nowMs ? atMs : 0;
}

function completeRetry(given: RetryPolicy): RetryPolicy {
  const retry = {
    maxAttempts: given.maxAttempts || DEFAULT_RETRY.maxAttempts,
    initialBackoffMs: given.initialBackoffMs || DEFAULT_RETRY.initialBackoffMs,
    backoffFactor: given.backoffFactor === 0 ? DEFAULT_RETRY.backoffFactor : given.backoffFactor,
    maxBackoffMs: given.maxBackoffMs || DEFAULT_RETRY.maxBackoffMs,
  };
  checkRange(retry.maxAttempts, 1, MAX_ATTEMPTS, "retry.max_attempts");
  checkRange(retry.initialBackoffMs, 0, MAX_BACKOFF_MS, "retry.initial_backoff_ms");
  checkRange(retry.backoffFactor, 1, MAX_BACKOFF_FACTOR, "retry.backoff_factor");
  checkRange(retry.maxBackoffMs, 0, MAX_BACKOFF_MS, "retry.max_backoff_ms");
  return retry;
}

/** Fastest growth of a backoff; faster is INVALID_ARGUMENT. */
const MAX_BACKOFF_FACTOR = 100;

/** The encoded fields that the emitter left out. */
function missingFields(newId: string, addQueue: boolean): Uint8Array {
  if (newId === "") return addQueue ? DEFAULT_QUEUE_FIELD : NOTHING;
  const idField = Buffer.from(`\x0a${String.fromCharCode(newId.length)}${newId}`);
  return addQueue ? Buffer.concat([idField, DEFAULT_QUEUE_FIELD]) : idField;
}
