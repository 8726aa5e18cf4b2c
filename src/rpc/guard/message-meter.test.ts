import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageMeter } from "./message-meter.ts";

const MOST = 4 * 1024 * 1024;

function encoded(bytes: number, isCompressed = false): Buffer {
  const message = Buffer.alloc(5 + bytes, 7);
  message.writeUInt8(isCompressed ? 1 : 0, 0);
  message.writeUInt32BE(bytes, 1);
  return message;
}

test("however messages are cut into parts, all are counted and nothing is held in the end", () => {
  const lengths = fc.array(fc.nat(300), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), (sizes, cuts) => {
      const meter = new MessageMeter(MOST);
      const bytes = Buffer.concat(sizes.map((size) => encoded(size)));
      const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + 5 + size, 0));
      let at = 0;
      for (let cut = 0; at < bytes.length; cut++) {
        const size = cuts[cut % cuts.length] ?? 1;
        meter.push(bytes.subarray(at, at + size));
        at += size;
        const begun = Math.min(at, bytes.length) - Math.max(0, ...ends.filter((end) => end <= at));
        expect(meter.heldBytes).toBe(Math.max(0, begun - 5));
      }
      expect(meter).toMatchObject({ messages: sizes.length, heldBytes: 0, parts: 0, isWithin: false });
    }),
  );
});

test("a message that has begun is held, with the parts that it came in", () => {
  const meter = new MessageMeter(MOST);
  const bytes = encoded(100);
  meter.push(bytes.subarray(0, 3));
  expect(meter).toMatchObject({ heldBytes: 0, parts: 1, isWithin: true });
  meter.push(bytes.subarray(3, 10));
  meter.push(bytes.subarray(10, 11));
  expect(meter).toMatchObject({ heldBytes: 6, parts: 3, isWithin: true });
  meter.push(Buffer.concat([bytes.subarray(11), bytes.subarray(0, 8)]));
  expect(meter).toMatchObject({ heldBytes: 3, parts: 1, messages: 1 });
});

test("a declared length holds nothing by itself", () => {
  const meter = new MessageMeter(MOST);
  meter.push(Buffer.of(0, 0xff, 0xff, 0xff, 0xff, 1));
  expect(meter.heldBytes).toBe(1);
});

test("a compressed message counts as what it may become, up to the largest that is taken", () => {
  const meter = new MessageMeter(10_000);
  meter.push(encoded(3, true));
  expect(meter.takeUnpackedBytes()).toBe(3 * 1032);
  meter.push(encoded(100, true));
  expect(meter.takeUnpackedBytes()).toBe(10_000);
  meter.push(encoded(100));
  expect(meter.takeUnpackedBytes()).toBe(0);
});
