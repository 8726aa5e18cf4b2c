/**
 * The records on disk: how tasks, runs, queues and the state of the node are laid out. The envelope (version, checksum) is
 * in `record-bytes.ts`. Whoever changes a layout raises its version and reads the old one as well.
 */
import type { AttemptRecord, TaskResult } from "../../core/task.ts";
import type { QueueSettings } from "../port.ts";
import type { RecordedState, Run, TaskFacts } from "../record.ts";
import { RecordReader, RecordWriter } from "./record-bytes.ts";

const TASK_VERSION = 1;
const RUN_VERSION = 1;
const QUEUE_VERSION = 1;
const NODE_VERSION = 1;
const NUMBER_VERSION = 1;

/** Codes of the states on disk: never reuse one. */
const STATES: readonly RecordedState[] = ["PENDING", "SCHEDULED", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"];

const writer = new RecordWriter();

/** Encodes a task. */
export function encodeTask(task: TaskFacts, queueNumber: number): Buffer {
  const { retry, attributes } = task;
  return writer
    .begin(TASK_VERSION)
    .u32(queueNumber)
    .u8(task.priority)
    .f64(task.startTag)
    .f64(task.sequence)
    .f64(task.submittedMs)
    .f64(task.startAtMs)
    .f64(task.timeoutMs)
    .f64(retry.maxAttempts)
    .f64(retry.initialBackoffMs)
    .f64(retry.backoffFactor)
    .f64(retry.maxBackoffMs)
    .text(task.type)
    .text(hasEntries(attributes) ? JSON.stringify(attributes) : "")
    .end(task.spec);
}

/** Decodes a task. Throws `StoreFailedError`; so does `queueName` for a number that it does not know. */
export function decodeTask(record: Buffer, id: string, queueName: (number: number) => string): TaskFacts {
  const reader = new RecordReader(record, `task ${id}`, TASK_VERSION);
  return {
    id,
    queue: queueName(reader.u32()),
    priority: reader.u8(),
    startTag: reader.f64(),
    sequence: reader.f64(),
    submittedMs: reader.f64(),
    startAtMs: reader.f64(),
    timeoutMs: reader.f64(),
    retry: {
      maxAttempts: reader.f64(),
      initialBackoffMs: reader.f64(),
      backoffFactor: reader.f64(),
      maxBackoffMs: reader.f64(),
    },
    type: reader.text(),
    attributes: parseAttributes(reader.text()),
    spec: reader.tail(),
  };
}

/** Encodes a run. */
export function encodeRun(run: Run): Buffer {
  writer
    .begin(RUN_VERSION)
    .u8(STATES.indexOf(run.state))
    .u32(run.attempts)
    .f64(run.dueMs)
    .f64(run.startMs)
    .f64(run.endMs)
    .f64(run.endingLease)
    .text(run.analyzerId)
    .u8(run.history.length);
  for (const { number, analyzerId, startMs, endMs, error } of run.history) {
    writer.u32(number).text(analyzerId).f64(startMs).f64(endMs);
    writer.text(error.code).text(error.message).bytes(error.details);
  }
  const { result } = run;
  writer.u8(result === undefined ? 0 : 1);
  return result === undefined ? writer.end() : writer.text(result.contentType).end(result.output);
}

/** Decodes a run. Throws `StoreFailedError`. */
export function decodeRun(record: Buffer, id: string): Run {
  const reader = new RecordReader(record, `the run of task ${id}`, RUN_VERSION);
  return {
    state: STATES[reader.u8()] ?? reader.fail("its state is unknown"),
    attempts: reader.u32(),
    dueMs: reader.f64(),
    startMs: reader.f64(),
    endMs: reader.f64(),
    endingLease: reader.f64(),
    analyzerId: reader.text(),
    history: decodeHistory(reader),
    result: reader.u8() === 0 ? undefined : decodeResult(reader),
  };
}

function decodeHistory(reader: RecordReader): AttemptRecord[] {
  return Array.from({ length: reader.u8() }, () => ({
    number: reader.u32(),
    analyzerId: reader.text(),
    startMs: reader.f64(),
    endMs: reader.f64(),
    error: { code: reader.text(), message: reader.text(), details: reader.bytes() },
  }));
}

function decodeResult(reader: RecordReader): TaskResult {
  return { contentType: reader.text(), output: reader.tail() };
}

/** Tasks of a queue by recorded state; PENDING includes the RUNNING ones. */
export type RecordedCounts = Record<RecordedState, number>;

/** A queue as recorded; its number is the key. */
export interface QueueRecord {
  readonly name: string;
  readonly counts: RecordedCounts;
  readonly waitingBytes: number;
  /** Per priority: the largest start tag dispatched. */
  readonly dispatchedTags: readonly number[];
  /** Per priority: how many fairness keys are recorded. */
  readonly fairnessKeys: readonly number[];
  /** Only what was set: what was not follows the defaults of the program. */
  readonly settings: Partial<QueueSettings>;
}

/** Encodes a queue. */
export function encodeQueue(queue: QueueRecord): Buffer {
  writer.begin(QUEUE_VERSION).text(queue.name).f64(queue.waitingBytes);
  for (const state of STATES) writer.f64(queue.counts[state]);
  writer.u8(queue.dispatchedTags.length);
  for (const tag of queue.dispatchedTags) writer.f64(tag);
  for (const keys of queue.fairnessKeys) writer.u32(keys);
  return writer.text(JSON.stringify(queue.settings)).end();
}

/** Decodes a queue. Throws `StoreFailedError`. */
export function decodeQueue(record: Buffer, number: number): QueueRecord {
  const reader = new RecordReader(record, `queue number ${number}`, QUEUE_VERSION);
  const name = reader.text();
  const waitingBytes = reader.f64();
  const counts = emptyCounts();
  for (const state of STATES) counts[state] = reader.f64();
  const priorities = { length: reader.u8() };
  return {
    name,
    waitingBytes,
    counts,
    dispatchedTags: Array.from(priorities, () => reader.f64()),
    fairnessKeys: Array.from(priorities, () => reader.u32()),
    settings: parseSettings(reader.text()),
  };
}

/** Counts of a queue without tasks. */
export function emptyCounts(): RecordedCounts {
  return { PENDING: 0, SCHEDULED: 0, RETRYING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
}

/** The state of the node as recorded. */
export interface NodeRecord {
  /** The last epoch given out. */
  readonly epoch: number;
  /** The last epoch that started to dispatch; 0 = none did. */
  readonly dispatchEpoch: number;
  /** The last user closed the data. */
  readonly closed: boolean;
}

/** Encodes the state of the node. */
export function encodeNode(node: NodeRecord): Buffer {
  return writer
    .begin(NODE_VERSION)
    .f64(node.epoch)
    .f64(node.dispatchEpoch)
    .u8(node.closed ? 1 : 0)
    .end();
}

/** Decodes the state of the node. Throws `StoreFailedError`. */
export function decodeNode(record: Buffer): NodeRecord {
  const reader = new RecordReader(record, "the node", NODE_VERSION);
  return { epoch: reader.f64(), dispatchEpoch: reader.f64(), closed: reader.u8() === 1 };
}

/** Encodes a lone number. */
export function encodeNumber(value: number): Buffer {
  return writer.begin(NUMBER_VERSION).f64(value).end();
}

/** Decodes a lone number; `what` names it in errors. Throws `StoreFailedError`. */
export function decodeNumber(record: Buffer, what: string): number {
  return new RecordReader(record, what, NUMBER_VERSION).f64();
}

function hasEntries(attributes: Readonly<Record<string, string>>): boolean {
  for (const name in attributes) if (Object.hasOwn(attributes, name)) return true;
  return false;
}

function parseAttributes(text: string): Readonly<Record<string, string>> {
  // The checksum was right, so this is what `encodeTask` wrote.
  return text === "" ? {} : JSON.parse(text);
}

function parseSettings(text: string): Partial<QueueSettings> {
  return JSON.parse(text);
}
