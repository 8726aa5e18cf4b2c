import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../backoff.ts";
import { SubmitBatchRequestSchema, TaskSpecSchema } from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import { decodeJson, encodePayload } from "../payload.ts";
import { encodeBatch, framedBytes } from "./batch.ts";
import { cut } from "./cut.ts";
import { retryAfterMs } from "./retry-info.ts";
import { fromStatus, isTransient } from "./status.ts";

function statusWithRetryInfo(seconds: bigint, nanos: number): Uint8Array {
  const delay = toBinary(DurationSchema, create(DurationSchema, { seconds, nanos }));
  const info = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(delay).finish();
  const any = (typeUrl: string, value: Uint8Array): Uint8Array =>
    toBinary(AnySchema, create(AnySchema, { typeUrl, value }));
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(8)
    .tag(2, WireType.LengthDelimited)
    .string("full")
    .tag(3, WireType.LengthDelimited)
    .bytes(any("type.googleapis.com/google.rpc.Help", new Uint8Array([1])))
    .tag(3, WireType.LengthDelimited)
    .bytes(any("type.googleapis.com/google.rpc.RetryInfo", info))
    .finish();
}

describe("a batch of encoded tasks", () => {
  it("decodes as the request it stands for, and is as long as it says", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 5 }), (sizes) => {
        const tasks = sizes.map((size, index) =>
          create(TaskSpecSchema, { id: `${index}`, payload: new Uint8Array(size) }),
        );
        const encoded = tasks.map((task) => ({ encoded: toBinary(TaskSpecSchema, task) }));
        const batch = encodeBatch(encoded);
        expect(batch.length).toBe(encoded.reduce((sum, task) => sum + framedBytes(task.encoded.length), 0));
        const expected = toBinary(SubmitBatchRequestSchema, create(SubmitBatchRequestSchema, { tasks }));
        expect(Buffer.compare(batch, expected)).toBe(0);
      }),
      { numRuns: 30 },
    );
    expect(fromBinary(SubmitBatchRequestSchema, encodeBatch([])).tasks).toEqual([]);
  });
});

describe("a status", () => {
  it("carries the node's retry hint", () => {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(statusWithRetryInfo(2n, 500_000_001)));
    expect(fromStatus({ code: 8, details: "full", metadata })).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: "full",
      retryAfterMs: 2501,
    });
  });

  it("has no hint when the details are missing or damaged", () => {
    expect(fromStatus({ code: 8, details: "full", metadata: new Metadata() }).retryAfterMs).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => typeof retryAfterMs(bytes) !== "string"));
  });

  it("is worth another try only when the trouble can pass", () => {
    const error = (code: number, details = ""): SluiceClientError =>
      fromStatus({ code, details, metadata: new Metadata() });
    expect([14, 4, 8, 1].every((code) => isTransient(error(code)))).toBe(true);
    expect([2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16].some((code) => isTransient(error(code)))).toBe(false);
    expect(isTransient(error(13, "Received RST_STREAM with code 2"))).toBe(true);
  });
});

describe("small parts", () => {
  it("cuts text at a character within the bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (text, maxBytes) => {
        const short = cut(text, maxBytes);
        expect(Buffer.byteLength(short)).toBeLessThanOrEqual(maxBytes);
        expect(text.startsWith(short)).toBe(true);
        expect(Buffer.byteLength(text) <= maxBytes ? short === text : true).toBe(true);
      }),
    );
  });

  it("backs off within doubling bounds", () => {
    const bounds = { initialMs: 100, maxMs: 1000 };
    expect([1, 2, 4, 5, 2000].map((retry) => backoffMs(bounds, retry, 0.999_999))).toEqual(
      [100, 200, 800, 1000, 1000].map((boundMs) => expect.closeTo(boundMs, 2)),
    );
    expect(backoffMs(bounds, 3, 0)).toBe(0);
  });

  it("encodes bytes, text and JSON, and refuses what JSON cannot say", () => {
    const shape = (value: unknown): [string, string] => {
      const { bytes, contentType } = encodePayload(value);
      return [Buffer.from(bytes).toString(), contentType];
    };
    expect(shape(undefined)).toEqual(["", ""]);
    expect(shape("é")).toEqual(["é", "text/plain; charset=utf-8"]);
    expect(shape(Uint8Array.of(97).buffer)).toEqual(["a", "application/octet-stream"]);
    expect(shape(new DataView(Uint8Array.of(97, 98).buffer, 1))).toEqual(["b", "application/octet-stream"]);
    expect(shape([1, null])).toEqual(["[1,null]", "application/json"]);
    expect(shape(null)).toEqual(["null", "application/json"]);
    for (const value of [1n, () => 1, Symbol("s")]) {
      expect(() => encodePayload(value)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
    expect(() => decodeJson(Buffer.from("{"))).toThrow(SluiceClientError);
  });
});
