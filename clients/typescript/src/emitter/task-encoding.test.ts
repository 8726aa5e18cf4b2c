import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, it } from "vitest";
import { TaskSpecSchema } from "../contract.ts";
import { encodeTask, MAX_TASK_BYTES } from "./task-encoding.ts";
import { newTaskId } from "./task-id.ts";
import type { TaskInput } from "./task-input.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const text = fc.string({ unit: "grapheme", maxLength: 20 });

const inputs = fc.record(
  {
    payload: fc.uint8Array(),
    id: text,
    queue: text,
    type: text,
    contentType: text,
    attributes: fc.dictionary(text, text),
    priority: uint32,
    timeoutMs: uint32,
    fairnessKey: text,
    fairnessWeight: fc.float({ min: 0, max: 1000, noNaN: true }),
    retry: fc.record({ maxAttempts: uint32, backoffFactor: fc.double({ noNaN: true }) }, { requiredKeys: [] }),
    start: fc.oneof(
      fc.record({ delayMs: uint32 }),
      fc.record({ notBefore: fc.date({ min: new Date(0), noInvalidDate: true }) }),
    ),
  },
  { requiredKeys: ["payload"] },
);

it("says the same as the generated encoder, byte for byte", () => {
  fc.assert(
    fc.property(inputs, ({ start, ...input }) => {
      const { id, encoded } = encodeTask({ ...input, ...start });
      const { retry, ...rest } = input;
      const spec = create(TaskSpecSchema, {
        ...rest,
        id,
        contentType: input.contentType ?? "application/octet-stream",
        attributes: { ...input.attributes },
        ...(retry === undefined ? {} : { retry }),
      });
      if (start !== undefined && "delayMs" in start) spec.start = { case: "delayMs", value: start.delayMs };
      else if (start !== undefined) spec.start = { case: "notBefore", value: timestampFromDate(start.notBefore) };
      expect(Buffer.from(encoded)).toEqual(Buffer.from(toBinary(TaskSpecSchema, spec)));
    }),
  );
});

it("leaves nothing of a refused task in the next one", () => {
  const wrong: TaskInput[] = [
    { queue: "wrong", priority: -1 },
    { attributes: { half: "written" }, fairnessWeight: 1e300 },
    { payload: new Uint8Array(MAX_TASK_BYTES + 1) },
    { payload: "p", attributes: { long: "x".repeat(MAX_TASK_BYTES) } },
    { retry: { maxAttempts: 1.5 } },
  ];
  for (const input of wrong) {
    expect(() => encodeTask(input)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(fromBinary(TaskSpecSchema, encodeTask({ id: "next" }).encoded)).toEqual(
      create(TaskSpecSchema, { id: "next" }),
    );
  }
});

it("keeps what it encoded when the caller goes on to change the payload", () => {
  const payload = Uint8Array.of(1, 2, 3);
  const { encoded } = encodeTask({ payload });
  payload.fill(9);
  expect([...fromBinary(TaskSpecSchema, encoded).payload]).toEqual([1, 2, 3]);
});

it("gives ids that ascend and are UUIDs of version 7", () => {
  const ids = Array.from({ length: 5000 }, newTaskId);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
    true,
  );
  const millisecond = Number.parseInt((ids.at(-1) ?? "").replace("-", "").slice(0, 12), 16);
  expect(Math.abs(Date.now() - millisecond)).toBeLessThan(1000);
});
