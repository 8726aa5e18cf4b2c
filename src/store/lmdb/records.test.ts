/**
 * Records come back as they were written, and never as something else (R1).
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttemptRecord } from "../../core/task.ts";
import { StoreFailedError } from "../port.ts";
import type { RecordedState, Run, TaskFacts } from "../record.ts";
import {
  decodeNode,
  decodeNumber,
  decodeQueue,
  decodeRun,
  decodeTask,
  encodeNode,
  encodeNumber,
  encodeQueue,
  encodeRun,
  encodeTask,
  type QueueRecord,
} from "./records.ts";

const ID = "0190a1b2-0000-7000-8000-000000000001";
const number = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const count = fc.nat({ max: 2 ** 31 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 });
const states: RecordedState[] = ["PENDING", "SCHEDULED", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"];

const facts: fc.Arbitrary<TaskFacts> = fc.record({
  id: fc.constant(ID),
  queue: fc.constant("q7"),
  type: text,
  priority: fc.nat({ max: 9 }),
  startTag: number,
  sequence: number,
  submittedMs: number,
  startAtMs: number,
  timeoutMs: number,
  retry: fc.record({ maxAttempts: count, initialBackoffMs: number, backoffFactor: number, maxBackoffMs: number }),
  attributes: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 5 }),
  spec: bytes,
});
const attempt: fc.Arbitrary<AttemptRecord> = fc.record({
  number: count,
  analyzerId: text,
  startMs: number,
  endMs: number,
  error: fc.record({ code: text, message: text, details: bytes }),
});
const run: fc.Arbitrary<Run> = fc.record({
  state: fc.constantFrom(...states),
  attempts: count,
  dueMs: number,
  startMs: number,
  endMs: number,
  analyzerId: text,
  endingLease: number,
  result: fc.option(fc.record({ output: bytes, contentType: text }), { nil: undefined }),
  history: fc.array(attempt, { maxLength: 4 }),
});
const perPriority = (value: fc.Arbitrary<number>) => fc.array(value, { minLength: 10, maxLength: 10 });
const queue: fc.Arbitrary<QueueRecord> = fc.record({
  name: text,
  counts: fc.record({
    PENDING: number,
    SCHEDULED: number,
    RETRYING: number,
    COMPLETED: number,
    FAILED: number,
    CANCELLED: number,
  }),
  waitingBytes: number,
  dispatchedTags: perPriority(number),
  fairnessKeys: perPriority(count),
  settings: fc.record({ paused: fc.boolean(), maxLag: count }, { requiredKeys: [] }).map((value) => ({ ...value })),
});
const queueName = (queueNumber: number): string => `q${queueNumber}`;

describe("records come back as written:", () => {
  it("tasks", () => {
    fc.assert(
      fc.property(facts, (value) => void expect(decodeTask(encodeTask(value, 7), ID, queueName)).toEqual(value)),
    );
  });
  it("runs", () => {
    fc.assert(fc.property(run, (value) => void expect(decodeRun(encodeRun(value), ID)).toEqual(value)));
  });
  it("queues", () => {
    fc.assert(fc.property(queue, (value) => void expect(decodeQueue(encodeQueue(value), 1)).toEqual(value)));
  });
  it("the node, and lone numbers", () => {
    const node = fc.record({ epoch: count, dispatchEpoch: count, closed: fc.boolean() });
    fc.assert(fc.property(node, (value) => void expect(decodeNode(encodeNode(value))).toEqual(value)));
    fc.assert(fc.property(number, (value) => void expect(decodeNumber(encodeNumber(value), "it")).toBe(value)));
  });
  it("however large", () => {
    const output = new Uint8Array(3_000_000).fill(7);
    const big = {
      state: "COMPLETED",
      attempts: 1,
      dueMs: 0,
      startMs: 1,
      endMs: 2,
      analyzerId: "a",
      endingLease: 5,
    } as const;
    const errors = Array.from({ length: 20 }, (_, index) => ({
      number: index,
      analyzerId: "a",
      startMs: 1,
      endMs: 2,
      error: { code: "E", message: "m".repeat(4096), details: new Uint8Array(16_384).fill(index) },
    }));
    const value: Run = { ...big, result: { output, contentType: "x" }, history: errors };
    const record = encodeRun(value);
    const { result, history } = decodeRun(record, ID);
    expect(Buffer.compare(result?.output ?? Buffer.alloc(0), output)).toBe(0);
    expect(history.map((entry) => entry.error.details[0])).toEqual(errors.map((entry) => entry.number));
    expect(Buffer.compare(encodeRun(decodeRun(record, ID)), record)).toBe(0);
    expect(decodeNumber(encodeNumber(1), "it")).toBe(1);
  });
});

describe("a damaged record is refused:", () => {
  it("any changed bit, any cut", () => {
    fc.assert(
      fc.property(run, fc.nat(), fc.nat({ max: 7 }), (value, where, bit) => {
        const record = encodeRun(value);
        const flipped = Buffer.from(record);
        flipped[where % record.length] = (flipped[where % record.length] ?? 0) ^ (1 << bit);
        expect(() => decodeRun(flipped, ID)).toThrow(StoreFailedError);
        expect(() => decodeRun(record.slice(0, where % record.length), ID)).toThrow(StoreFailedError);
      }),
    );
  });
  it("one of another kind, as far as it can be told", () => {
    expect(() => decodeRun(encodeNumber(1), ID)).toThrow(/run of task 0190a1b2.* is damaged/);
  });
  it("one of an unknown version, which is named", () => {
    const record = Buffer.from(encodeNumber(1));
    record[0] = 2;
    expect(() => decodeNumber(record, "the thing")).toThrow(/record of the thing .* version 2, this program knows 1/);
  });
});
