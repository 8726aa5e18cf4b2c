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

test("specs with other content differ", () => {
  expect(sameSpec(encode({ a: "1" }), encode({ a: "2" }))).toBe(false);
});

test("specs that differ only in a field unknown to the contract differ", () => {
  const unknown = Buffer.from([0x72, 1, 7]);
  expect(sameSpec(encode({}), Buffer.concat([encode({}), unknown]))).toBe(false);
  expect(sameSpec(Buffer.concat([unknown, encode({})]), Buffer.concat([encode({}), unknown]))).toBe(true);
});
