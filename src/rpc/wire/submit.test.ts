import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  SubmitBatchRequestSchema,
  SubmitBatchResponseSchema,
  SubmitRequestSchema,
  TaskSpecSchema,
} from "@sluice/client/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../../core/errors.ts";
import { DEFAULT_RETRY } from "../../core/limits.ts";
import { decodeSubmit, decodeSubmitBatch, encodeSubmitBatchResponse } from "./submit.ts";
import { MAX_TASK_OVERHEAD_BYTES, type ReceivedTask, type TaskContext } from "./task-spec.ts";
import { anyTextWithin } from "./testing/arbitrary-text.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const NEW_ID = "0190a8f0-9999-7999-8999-999999999999";
const NOW_MS = 1_700_000_000_000;
const context: TaskContext = { nowMs: NOW_MS, newId: () => NEW_ID, maxPayloadBytes: 1000 };

type SpecInit = MessageInitShape<typeof TaskSpecSchema>;

function encodeSpec(spec: SpecInit): Uint8Array {
  return toBinary(TaskSpecSchema, create(TaskSpecSchema, spec));
}

/** A SubmitRequest whose task is these bytes. */
function requestOf(spec: Uint8Array): Buffer {
  const request = toBinary(SubmitRequestSchema, create(SubmitRequestSchema, {}));
  return Buffer.concat([request, lengthDelimited(0x0a, spec)]);
}

function lengthDelimited(tag: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

function submit(spec: SpecInit): ReceivedTask {
  return decodeSubmit(requestOf(encodeSpec(spec)), context);
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    expect(error.code).toBe("INVALID_ARGUMENT");
    return error.message;
  }
  throw new Error("it was accepted");
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const name = fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/);

const anySpec: fc.Arbitrary<SpecInit> = fc.record(
  {
    id: fc.constantFrom("", ID),
    queue: fc.oneof(fc.constant(""), name),
    type: anyTextWithin(30),
    payload: bytes(300),
    contentType: anyTextWithin(20),
    attributes: fc.dictionary(anyTextWithin(20), anyTextWithin(40), { maxKeys: 10 }),
    priority: fc.nat(9),
    start: fc.oneof(
      fc.constant({ case: undefined }),
      fc.nat(4_294_967_295).map((value) => ({ case: "delayMs" as const, value })),
      fc.nat(2_000_000_000).map((s) => ({ case: "notBefore" as const, value: timestampFromMs(s * 1000 + 7) })),
    ),
    timeoutMs: fc.nat(4_294_967_295),
    retry: fc.record(
      {
        maxAttempts: fc.nat(100),
        initialBackoffMs: fc.nat(86_400_000),
        backoffFactor: fc.oneof(fc.constant(0), fc.double({ min: 1, max: 100, noNaN: true })),
        maxBackoffMs: fc.nat(86_400_000),
      },
      { requiredKeys: [] },
    ),
    fairnessKey: anyTextWithin(20),
    fairnessWeight: fc.oneof(fc.constant(0), fc.float({ min: Math.fround(0.001), max: 1_000_000, noNaN: true })),
  },
  { requiredKeys: [] },
);

describe("a submitted task", () => {
  test("is read as protobuf-es reads it, for any valid task", () => {
    fc.assert(
      fc.property(anySpec, (init) => {
        const spec = create(TaskSpecSchema, init);
        const { task, idIsNew } = submit(init);
        expect(idIsNew).toBe(spec.id === "");
        expect(task).toMatchObject({
          id: spec.id || NEW_ID,
          queue: spec.queue || "default",
          type: spec.type,
          priority: spec.priority ?? 4,
          timeoutMs: spec.timeoutMs,
          fairnessKey: spec.fairnessKey,
          fairnessWeight: spec.fairnessWeight || 1,
          retry: {
            maxAttempts: spec.retry?.maxAttempts || 3,
            initialBackoffMs: spec.retry?.initialBackoffMs || 1000,
            backoffFactor: spec.retry?.backoffFactor || 2,
            maxBackoffMs: spec.retry?.maxBackoffMs || 60_000,
          },
        });
        expect(Object.entries(task.attributes).sort()).toEqual(Object.entries(spec.attributes).sort());
        // The stored bytes are the task with id and queue filled in.
        expect(fromBinary(TaskSpecSchema, new Uint8Array(task.spec))).toEqual({
          ...spec,
          id: task.id,
          queue: task.queue,
        });
      }),
    );
  });

  test("is kept byte by byte when id and queue are set, unknown fields included", () => {
    // Field 14, which the contract does not have.
    const spec = Buffer.concat([encodeSpec({ id: ID, queue: "logs" }), Buffer.from([0x72, 3, 1, 2, 3])]);
    expect(Buffer.compare(decodeSubmit(requestOf(spec), context).task.spec, spec)).toBe(0);
  });

  test("gets every default", () => {
    const { task } = decodeSubmit(requestOf(new Uint8Array(0)), context);
    expect(task).toEqual({
      id: NEW_ID,
      queue: "default",
      type: "",
      priority: 4,
      startAtMs: 0,
      timeoutMs: 0,
      retry: DEFAULT_RETRY,
      fairnessKey: "",
      fairnessWeight: 1,
      attributes: {},
      spec: expect.anything(),
    });
  });

  test("keeps an attribute named __proto__", () => {
    const attributes = Object.fromEntries([["__proto__", "x"]]);
    expect(Object.entries(submit({ attributes }).task.attributes)).toEqual([["__proto__", "x"]]);
  });

  test("starts no earlier than asked for", () => {
    const at = (seconds: bigint, nanos: number) =>
      submit({ start: { case: "notBefore", value: { seconds, nanos } } }).task.startAtMs;
    expect(at(1_800_000_000n, 1)).toBe(1_800_000_000_001);
    expect(at(1_600_000_000n, 0)).toBe(0);
    expect(at(-62_135_596_800n, 0)).toBe(0);
    expect(submit({ start: { case: "delayMs", value: 5 } }).task.startAtMs).toBe(NOW_MS + 5);
    expect(submit({ start: { case: "delayMs", value: 0 } }).task.startAtMs).toBe(0);
  });

  test("merges what is repeated as protobuf says: scalars are replaced, messages are merged", () => {
    const twice = Buffer.concat([
      encodeSpec({ id: ID, queue: "a", retry: { maxAttempts: 7 }, start: { case: "delayMs", value: 9 } }),
      encodeSpec({ queue: "b", retry: { maxBackoffMs: 5 }, start: { case: "notBefore", value: timestampFromMs(0) } }),
    ]);
    const { task } = decodeSubmit(requestOf(twice), context);
    expect(task).toMatchObject({ id: ID, queue: "b", startAtMs: 0, retry: { maxAttempts: 7, maxBackoffMs: 5 } });
    const apart = Buffer.concat([requestOf(encodeSpec({ id: ID })), requestOf(encodeSpec({ queue: "b" }))]);
    expect(decodeSubmit(apart, context).task).toMatchObject({ id: ID, queue: "b" });
  });

  test("does not pin the buffer it came in", () => {
    const large = Buffer.concat([
      requestOf(encodeSpec({ id: ID, queue: "a" })),
      lengthDelimited(0x12, Buffer.alloc(65_536)),
    ]);
    expect(decodeSubmit(large, context).task.spec.buffer.byteLength).toBeLessThanOrEqual(8192);
  });
});

describe("a task is refused", () => {
  const cases: [string, SpecInit, RegExp][] = [
    ["an id that is no UUID", { id: "7" }, /^id must be a UUID/],
    ["an id in upper case", { id: ID.toUpperCase().replace("0190A8F0", "ABCDEF01") }, /^id must be a UUID/],
    ["an id that is too long", { id: `${ID}0` }, /^id may have at most 36 bytes/],
    ["a queue with a space", { queue: "a b" }, /^queue must be/],
    ["a queue that is too long", { queue: "q".repeat(129) }, /^queue may have at most 128 bytes/],
    ["a type that is too long", { type: "é".repeat(65) }, /^type may have at most 128 bytes, not 130/],
    ["a content type that is too long", { contentType: "c".repeat(129) }, /^content_type/],
    ["a payload over the limit", { payload: new Uint8Array(1001) }, /^payload may have at most 1000 bytes/],
    ["a priority over 9", { priority: 10 }, /^priority must be 0 to 9/],
    ["too many attributes", { attributes: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, ""])) }, /64/],
    ["an attribute key that is too long", { attributes: { ["k".repeat(129)]: "" } }, /^a key of attributes/],
    ["an attribute value that is too long", { attributes: { k: "v".repeat(4097) } }, /^a value of attributes/],
    ["too many attempts", { retry: { maxAttempts: 101 } }, /^retry\.max_attempts/],
    ["a backoff over a day", { retry: { initialBackoffMs: 86_400_001 } }, /^retry\.initial_backoff_ms/],
    ["a largest backoff over a day", { retry: { maxBackoffMs: 86_400_001 } }, /^retry\.max_backoff_ms/],
    ["a backoff that shrinks", { retry: { backoffFactor: 0.5 } }, /^retry\.backoff_factor/],
    ["a backoff factor of NaN", { retry: { backoffFactor: Number.NaN } }, /^retry\.backoff_factor/],
    ["a fairness weight below zero", { fairnessWeight: -1 }, /^fairness_weight/],
    ["a fairness weight of NaN", { fairnessWeight: Number.NaN }, /^fairness_weight/],
    ["an infinite fairness weight", { fairnessWeight: Number.POSITIVE_INFINITY }, /^fairness_weight/],
    ["a fairness key that is too long", { fairnessKey: "k".repeat(129) }, /^fairness_key/],
    ["nanoseconds below zero", { start: { case: "notBefore", value: { seconds: 1n, nanos: -1 } } }, /nanos/],
    ["a start after the year 9999", { start: { case: "notBefore", value: { seconds: 1n << 60n } } }, /9999/],
  ];
  for (const [what, spec, message] of cases) {
    test(`for ${what}`, () => expect(refusal(() => submit(spec))).toMatch(message));
  }

  test("without a task", () => expect(refusal(() => decodeSubmit(Buffer.alloc(0), context))).toBe("task is missing"));

  test("for more bytes beside the payload than known fields can have", () => {
    const unknown = lengthDelimited(0x72, new Uint8Array(MAX_TASK_OVERHEAD_BYTES + 1000));
    expect(refusal(() => decodeSubmit(requestOf(unknown), context))).toMatch(/besides its payload/);
  });

  const malformed: [string, number[], RegExp][] = [
    ["text that is not UTF-8", [0x1a, 2, 0xc3, 0x28], /type is not valid UTF-8/],
    ["a lone surrogate", [0x1a, 3, 0xed, 0xa0, 0x80], /type is not valid UTF-8/],
    ["a wrong wire type", [0x18, 1], /field 3 has the wrong wire type 0/],
    ["a field that is cut off", [0x22, 5, 1], /longer than|premature/],
    ["a tag that is cut off", [0x80], /TaskSpec/],
    ["a group without an end", [0x73], /TaskSpec/],
    ["the end of no group", [0x74], /TaskSpec/],
    ["groups nested deeply", Array.from({ length: 40 }, (_, i) => (i < 20 ? 0x73 : 0x74)), /nested too deeply/],
    ["an unknown number that is too long", [0x70, ...Array.from({ length: 10 }, () => 0x80), 1], /too long/],
    ["a nested message beyond its end", [0x5a, 1, 0x08, 3], /longer than/],
    ["field number zero", [0x02, 0], /TaskSpec/],
  ];
  for (const [what, wire, message] of malformed) {
    test(`for ${what}`, () => {
      expect(refusal(() => decodeSubmit(requestOf(Uint8Array.from(wire)), context))).toMatch(message);
    });
  }
});

describe("arbitrary bytes", () => {
  /** Random bytes are refused at once; damaged messages reach deeper. */
  const damaged = fc
    .tuple(anySpec, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(40))
    .map(([init, flips, cut]) => {
      const wire = Buffer.from(encodeSpec(init));
      for (const [at, value] of flips) if (wire.length > 0) wire[at % wire.length] = value;
      return wire.subarray(0, Math.max(0, wire.length - (cut > 20 ? 0 : cut)));
    });

  test("are either refused or read by every other reader too", () => {
    fc.assert(
      fc.property(fc.oneof(bytes(200), damaged), (spec) => {
        let task: ReceivedTask["task"];
        try {
          ({ task } = decodeSubmit(requestOf(spec), context));
        } catch (error) {
          expect(error).toMatchObject({ name: "SluiceError", code: "INVALID_ARGUMENT" });
          return;
        }
        const read = fromBinary(TaskSpecSchema, task.spec);
        expect(read).toMatchObject({ id: task.id, queue: task.queue, type: task.type });
        expect(read.priority ?? 4).toBe(task.priority);
      }),
      { numRuns: 2000 },
    );
  });

  test("in place of a request are refused, or are a request", () => {
    fc.assert(
      fc.property(bytes(100), (request) => {
        for (const decode of [decodeSubmit, decodeSubmitBatch]) {
          try {
            decode(Buffer.from(request), context);
          } catch (error) {
            expect(error).toMatchObject({ name: "SluiceError", code: "INVALID_ARGUMENT" });
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a batch", () => {
  function batch(specs: SpecInit[]): Buffer {
    return Buffer.from(toBinary(SubmitBatchRequestSchema, create(SubmitBatchRequestSchema, { tasks: specs })));
  }

  test("has an outcome for each task: one that is refused does not harm the others", () => {
    const outcomes = decodeSubmitBatch(batch([{ id: ID }, { id: "no" }, { queue: "q", type: "t" }]), context);
    expect(outcomes).toMatchObject([
      { task: { id: ID }, idIsNew: false },
      { code: "INVALID_ARGUMENT", message: expect.stringMatching(/^id must/) },
      { task: { id: NEW_ID, queue: "q", type: "t" }, idIsNew: true },
    ]);
  });

  test("survives a malformed task in its middle", () => {
    const good = encodeSpec({ id: ID, queue: "q" });
    const wire = [good, Uint8Array.of(0x22, 200, 1, 7), good].map((spec) => lengthDelimited(0x0a, spec));
    const outcomes = decodeSubmitBatch(Buffer.concat(wire), context);
    expect(outcomes.map((outcome) => outcome instanceof SluiceError)).toEqual([false, true, false]);
  });

  test("is refused when it is empty", () => {
    expect(refusal(() => decodeSubmitBatch(batch([]), context))).toMatch(/empty/);
  });

  test("is refused with 1,001 tasks and taken with 1,000", () => {
    expect(decodeSubmitBatch(batch(Array.from({ length: 1000 }, () => ({}))), context)).toHaveLength(1000);
    const tooMany = batch(Array.from({ length: 1001 }, () => ({})));
    expect(refusal(() => decodeSubmitBatch(tooMany, context))).toMatch(/at most 1000 tasks: split it/);
  });

  test("is answered as protobuf-es would answer", () => {
    const answer = fc.record(
      {
        newId: fc.constantFrom("", NEW_ID),
        duplicate: fc.boolean(),
        error: fc.record({ code: fc.nat(16), message: anyTextWithin(50), retryAfterMs: fc.nat(100_000) }),
      },
      { requiredKeys: ["newId", "duplicate"] },
    );
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 20 }), (answers) => {
        const expected = create(SubmitBatchResponseSchema, {
          outcomes: answers.map(({ newId, ...rest }) => ({ id: newId, ...rest })),
        });
        expect(fromBinary(SubmitBatchResponseSchema, encodeSubmitBatchResponse(answers))).toEqual(expected);
      }),
    );
  });
});
