import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  CancelReason,
  DrainReason,
  HeldState,
  TaskSpecSchema,
  WorkRequestSchema,
  WorkResponseSchema,
} from "@sluice/client/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../../core/errors.ts";
import type { AnalyzerFrame, NodeFrame } from "../../engine/frames.ts";
import { IMPOSSIBLE_LEASE } from "./reader.ts";
import { anyTextWithin } from "./testing/arbitrary-text.ts";
import { decodeWorkRequest } from "./work-request.ts";
import { encodeWorkResponse } from "./work-response.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const MAX_OUTPUT = 1000;

type FrameInit = MessageInitShape<typeof WorkRequestSchema>;
type HelloInit = MessageInitShape<typeof import("@sluice/client/contract").HelloSchema>;

function wireOf(frame: FrameInit): Buffer {
  return Buffer.from(toBinary(WorkRequestSchema, create(WorkRequestSchema, frame)));
}

function decode(frame: FrameInit): AnalyzerFrame {
  return decodeWorkRequest(wireOf(frame), MAX_OUTPUT);
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

const lease = fc.maxSafeNat();
const name = fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/);
const weight = fc.double({ min: 0.001, max: 1_000_000, noNaN: true });

const anyHello = fc.record({
  analyzerId: name,
  queues: fc.uniqueArray(fc.record({ queue: name, weight }), { minLength: 1, maxLength: 5, selector: (q) => q.queue }),
  weight,
  maxInFlight: fc.nat(100_000),
  held: fc.array(fc.record({ lease: lease.map(BigInt), taskId: fc.constant(ID), attempt: fc.nat(100) }), {
    maxLength: 5,
  }),
  version: anyTextWithin(10),
  labels: fc.dictionary(anyTextWithin(10), anyTextWithin(20), { maxKeys: 5 }),
});

const anyOutcome = fc.oneof(
  fc.record({
    case: fc.constant("success" as const),
    value: fc.record({ output: fc.uint8Array({ maxLength: 50 }), contentType: anyTextWithin(10) }),
  }),
  fc.record({
    case: fc.constant("failure" as const),
    value: fc.record({
      error: fc.record({
        code: anyTextWithin(8),
        message: anyTextWithin(50),
        details: fc.uint8Array({ maxLength: 20 }),
      }),
      nonRetryable: fc.boolean(),
    }),
  }),
);

const anyFrame = fc.record(
  {
    hello: anyHello,
    results: fc.array(fc.record({ lease: lease.map(BigInt), outcome: anyOutcome }), { maxLength: 5 }),
    releases: fc.array(lease.map(BigInt), { maxLength: 20 }),
    credit: fc.nat(4_294_967_295),
    heartbeat: fc.record({
      progress: fc.array(fc.record({ lease: lease.map(BigInt), percent: fc.nat(200), note: anyTextWithin(30) }), {
        maxLength: 5,
      }),
    }),
  },
  { requiredKeys: [] },
);

describe("a frame from an analyzer", () => {
  test("is read as protobuf-es reads it, for any valid frame", () => {
    fc.assert(
      fc.property(anyFrame, (init) => {
        const { hello, results = [], releases = [], credit = 0, heartbeat } = init;
        const plain = (bytes: Uint8Array) => [...bytes];
        const frame = decode(init);
        expect(frame.releases).toEqual(releases.map(Number));
        expect(frame.credit).toBe(credit);
        expect(frame.progress).toEqual(
          (heartbeat?.progress ?? []).map((p) => ({ ...p, lease: Number(p.lease), percent: Math.min(p.percent, 100) })),
        );
        expect(frame.hello?.analyzerId).toBe(hello?.analyzerId);
        if (hello !== undefined) {
          const { queues, held, labels, ...rest } = hello;
          expect(frame.hello).toMatchObject(rest);
          expect(frame.hello?.subscriptions).toEqual(queues);
          expect(frame.hello?.held).toEqual(held.map((claim) => ({ ...claim, lease: Number(claim.lease) })));
          expect(Object.entries(frame.hello?.labels ?? {}).sort()).toEqual(Object.entries(labels).sort());
        }
        expect(frame.results).toHaveLength(results.length);
        for (const [index, { lease, outcome }] of results.entries()) {
          const result = frame.results[index];
          expect(result?.lease).toBe(Number(lease));
          if (outcome.case === "success") {
            if (result?.kind !== "success") throw new Error("not a success");
            expect(plain(result.result.output)).toEqual(plain(outcome.value.output));
            expect(result.result.contentType).toBe(outcome.value.contentType);
          } else {
            if (result?.kind !== "failure") throw new Error("not a failure");
            const { error, nonRetryable } = outcome.value;
            expect(result).toMatchObject({ nonRetryable, error: { code: error.code, message: error.message } });
            expect(plain(result.error.details)).toEqual(plain(error.details));
          }
        }
      }),
    );
  });

  test("of arbitrary bytes is refused as INVALID_ARGUMENT or read", () => {
    const damaged = fc
      .tuple(anyFrame, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([init, flips]) => {
        const wire = wireOf(init);
        for (const [at, value] of flips) if (wire.length > 0) wire[at % wire.length] = value;
        return wire;
      });
    const arbitrary = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, arbitrary), (wire) => {
        try {
          decodeWorkRequest(wire, MAX_OUTPUT);
        } catch (error) {
          expect(error).toMatchObject({ name: "SluiceError", code: "INVALID_ARGUMENT" });
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("may spell releases packed or one by one", () => {
    const packed = wireOf({ releases: [1n, 2n] });
    const single = Buffer.from([0x19, 3, 0, 0, 0, 0, 0, 0, 0]);
    expect(decodeWorkRequest(Buffer.concat([packed, single]), MAX_OUTPUT).releases).toEqual([1, 2, 3]);
  });

  test("with a lease that no node can have issued names the impossible lease", () => {
    expect(decode({ releases: [2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n] }).releases).toEqual([
      Number.MAX_SAFE_INTEGER,
      IMPOSSIBLE_LEASE,
      IMPOSSIBLE_LEASE,
    ]);
  });

  test("merges what is repeated as protobuf says", () => {
    const twice = Buffer.concat([
      wireOf({ hello: { analyzerId: "a", queues: [{ queue: "x" }], weight: 1 }, credit: 3 }),
      wireOf({ hello: { analyzerId: "b", queues: [{ queue: "y" }] }, credit: 4 }),
    ]);
    expect(decodeWorkRequest(twice, MAX_OUTPUT)).toMatchObject({
      hello: { analyzerId: "b", weight: 1, subscriptions: [{ queue: "x" }, { queue: "y" }] },
      credit: 4,
    });
  });

  test("keeps errors that are too long or not text, cut and mended", () => {
    const error = { code: "c".repeat(65), message: "é".repeat(3000), details: new Uint8Array(20_000) };
    const [result] = decode({ results: [{ lease: 1n, outcome: { case: "failure", value: { error } } }] }).results;
    if (result?.kind !== "failure") throw new Error("not a failure");
    expect(result.error.code).toBe("c".repeat(64));
    expect(result.error.message).toBe("é".repeat(2048));
    expect(result.error.details).toHaveLength(16_384);
    // results { failure { error { message: ff, then half a character } } }
    const broken = Buffer.from([0x12, 9, 0x1a, 7, 0x0a, 5, 0x12, 3, 0x61, 0xff, 0xc3]);
    const [mended] = decodeWorkRequest(broken, MAX_OUTPUT).results;
    expect(mended).toMatchObject({ error: { message: "a\uFFFD\uFFFD" } });
  });

  test("with an output that is too large fails that task and nothing else", () => {
    const results = [1001, 1000].map((length, index) => ({
      lease: BigInt(index),
      outcome: { case: "success" as const, value: { output: new Uint8Array(length) } },
    }));
    expect(decode({ results }).results).toMatchObject([
      { lease: 0, kind: "failure", nonRetryable: true, error: { code: "RESULT_TOO_LARGE" } },
      { lease: 1, kind: "success" },
    ]);
  });
});

describe("a frame is refused", () => {
  const good: HelloInit = { analyzerId: "a", queues: [{ queue: "q" }], weight: 1 };
  const hellos: [string, HelloInit, RegExp][] = [
    ["weight 0", { ...good, weight: 0 }, /^hello\.weight must be 0.001 to 1000000/],
    ["a negative weight", { ...good, weight: -1 }, /^hello\.weight/],
    ["a weight of NaN", { ...good, weight: Number.NaN }, /^hello\.weight/],
    ["an infinite weight", { ...good, weight: Number.POSITIVE_INFINITY }, /^hello\.weight/],
    ["a weight over a million", { ...good, weight: 1_000_001 }, /^hello\.weight/],
    ["no analyzer id", { ...good, analyzerId: "" }, /^hello\.analyzer_id/],
    ["a bad analyzer id", { ...good, analyzerId: "a b" }, /^hello\.analyzer_id/],
    ["no queue", { ...good, queues: [] }, /^hello\.queues/],
    ["a bad queue name", { ...good, queues: [{ queue: "?" }] }, /^hello\.queues\.queue/],
    ["a queue named twice", { ...good, queues: [{ queue: "q" }, { queue: "q" }] }, /only once/],
    ["a negative queue weight", { ...good, queues: [{ queue: "q", weight: -1 }] }, /^hello\.queues\.weight/],
    ["65 queues", { ...good, queues: Array.from({ length: 65 }, (_, i) => ({ queue: `q${i}` })) }, /^hello\.queues/],
    ["a long version", { ...good, version: "v".repeat(65) }, /^hello\.version/],
    ["17 labels", { ...good, labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ""])) }, /^labels/],
    ["a held task that is no UUID", { ...good, held: [{ lease: 1n, taskId: "t" }] }, /^hello\.held\.task_id/],
  ];
  for (const [what, hello, message] of hellos) {
    test(`for a hello with ${what}`, () => expect(refusal(() => decode({ hello }))).toMatch(message));
  }

  test("for 10,001 results, releases or reports", () => {
    const many = Array.from({ length: 10_001 }, () => ({
      lease: 1n,
      outcome: { case: "success" as const, value: {} },
    }));
    expect(refusal(() => decode({ results: many }))).toMatch(/^results may have at most 10000/);
    expect(refusal(() => decode({ releases: many.map(() => 1n) }))).toMatch(/^releases/);
    expect(refusal(() => decode({ heartbeat: { progress: many.map(() => ({})) } }))).toMatch(/^heartbeat\.progress/);
  });

  test("for a result without an outcome", () => {
    expect(refusal(() => decode({ results: [{ lease: 1n }] }))).toMatch(/outcome/);
  });
});

describe("a frame to an analyzer", () => {
  const spec = fc
    .record({ id: fc.constant(ID), queue: name, payload: fc.uint8Array({ maxLength: 300 }) })
    .map((init) => toBinary(TaskSpecSchema, create(TaskSpecSchema, init)));
  const leases = fc.array(lease, { maxLength: 40 });
  const frame: fc.Arbitrary<NodeFrame> = fc.record(
    {
      welcome: fc.record({
        sessionId: anyTextWithin(40),
        epoch: fc.nat(),
        heartbeatMs: fc.nat(),
        leaseMs: fc.nat(),
        maxInFlight: fc.nat(),
        held: fc.array(fc.record({ lease, state: fc.constantFrom("ADOPTED", "RECORDED", "LOST") }), { maxLength: 5 }),
      }),
      deliveries: fc.array(fc.record({ lease, attempt: fc.integer({ min: 1, max: 4_294_967_295 }), spec })),
      accepted: leases,
      stale: leases,
      cancels: fc.array(fc.record({ lease, reason: fc.constantFrom("CANCELLED", "TIMEOUT") }), { maxLength: 5 }),
      drain: fc.record({ reason: fc.constantFrom("NODE_STOPPING", "OPERATOR"), deadlineMs: fc.nat() }),
      change: fc.record({ weight: fc.double({ min: 0.1, max: 1e6, noNaN: true }), maxInFlight: fc.nat() }),
    },
    { requiredKeys: ["deliveries", "accepted", "stale", "cancels"] },
  );

  test("is read by protobuf-es as it was meant, for any frame", () => {
    fc.assert(
      fc.property(frame, ({ welcome, deliveries, accepted, stale, cancels, drain, change }) => {
        const message = fromBinary(
          WorkResponseSchema,
          new Uint8Array(
            encodeWorkResponse({
              deliveries,
              accepted,
              stale,
              cancels,
              ...(welcome === undefined ? {} : { welcome }),
              ...(drain === undefined ? {} : { drain }),
              ...(change === undefined ? {} : { change }),
            }),
          ),
        );
        const receipts = { accepted: accepted.map(BigInt), stale: stale.map(BigInt) };
        expect(message).toEqual(
          create(WorkResponseSchema, {
            ...(welcome === undefined
              ? {}
              : {
                  welcome: {
                    ...welcome,
                    held: welcome.held.map(({ lease, state }) => ({ lease: BigInt(lease), state: HeldState[state] })),
                  },
                }),
            deliveries: deliveries.map(({ lease, attempt, spec }) => ({
              lease: BigInt(lease),
              attempt,
              task: fromBinary(TaskSpecSchema, spec),
            })),
            ...(accepted.length + stale.length === 0 ? {} : { receipts }),
            cancels: cancels.map(({ lease, reason }) => ({ lease: BigInt(lease), reason: CancelReason[reason] })),
            ...(drain === undefined ? {} : { drain: { ...drain, reason: DrainReason[drain.reason] } }),
            ...(change === undefined ? {} : { change }),
          }),
        );
      }),
    );
  });

  test("answers the impossible lease as 2^64 - 1", () => {
    const wire = encodeWorkResponse({ deliveries: [], accepted: [], stale: [IMPOSSIBLE_LEASE], cancels: [] });
    expect(fromBinary(WorkResponseSchema, wire).receipts?.stale).toEqual([2n ** 64n - 1n]);
  });
});
