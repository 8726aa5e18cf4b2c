import { create, toBinary } from "@bufbuild/protobuf";
import { TaskSpecSchema } from "@sluice/client/contract";
import { expect, test } from "vitest";
import { sameSpec } from "./same-spec.ts";

function encode(attributes: Record<string, string>): Uint8Array {
  return toBinary(TaskSpecSchema, create(TaskSpecSchema, { queue: "q", attributes }));
}

test("specs whose attributes are written in another order are the same", () => {
  expect(sameSpec(encode({ a: "1", b: "2" }), encode({ b: "2", a: "1" }))).toBe(true);
});

test("specs in different traces are the same", () => {
  const traced = {
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    tracestate: "a=1",
    baggage: "b=2",
  };
  expect(sameSpec(encode({ a: "1", ...traced }), encode({ a: "1", traceparent: "00-0-0-01" }))).toBe(true);
  expect(sameSpec(encode({ a: "1", ...traced }), encode({ a: "1" }))).toBe(true);
  expect(sameSpec(encode({ a: "1", ...traced }), encode({ a: "2", ...traced }))).toBe(false);
});

test("specs with other content differ", () => {
  expect(sameSpec(encode({ a: "1" }), encode({ a: "2" }))).toBe(false);
});

test("specs that differ only in a field unknown to the contract differ", () => {
  const unknown = Buffer.from([0x72, 1, 7]);
  expect(sameSpec(encode({}), Buffer.concat([encode({}), unknown]))).toBe(false);
  expect(sameSpec(Buffer.concat([unknown, encode({})]), Buffer.concat([encode({}), unknown]))).toBe(true);
});
