/**
 * F1 and F2 of the log: what a crash cut short ends it, anything else that is not as written is damage.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFileHead, type Operation, RecordBuffer, readGeneration, readOperations } from "./log-records.ts";

class Damage extends Error {}

function damaged(reason: string): never {
  throw new Damage(reason);
}

const key = fc.array(fc.nat(255), { minLength: 1, maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
const operation: fc.Arbitrary<Operation> = fc.record({
  table: fc.nat(8),
  key,
  value: fc.option(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  ),
});
const commits = fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), { maxLength: 5 });
const largeCommit = fc.array(
  fc.record({
    table: fc.nat(8),
    key,
    value: fc.uint8Array({ minLength: 1, maxLength: 900 }).map((b) => Buffer.from(b)),
  }),
  { minLength: 1, maxLength: 4 },
);
const HEAD_BYTES = encodeFileHead(1).length;
const generation = fc.constantFrom(1, 7, 2 ** 32 + 7);

/** A file, and where each of its records ends. */
function fileOf(from: number, records: readonly (readonly Operation[])[]): { file: Buffer; ends: number[] } {
  const parts = [encodeFileHead(from)];
  const ends: number[] = [];
  const buffer = new RecordBuffer();
  for (const [number, operations] of records.entries()) {
    for (const { table, key: name, value } of operations) {
      if (value === undefined) buffer.remove(table, name);
      else buffer.put(table, name, value);
    }
    parts.push(Buffer.from(buffer.seal(from, number)));
    buffer.clear();
    ends.push(parts.reduce((sum, part) => sum + part.length, 0));
  }
  return { file: Buffer.concat(parts), ends };
}

/** The parts of a range that lie in one sector each. */
function sectorsOf(start: number, end: number): [start: number, end: number][] {
  const sectors: [number, number][] = [];
  for (let at = start; at < end; at = (Math.floor(at / 512) + 1) * 512) {
    sectors.push([at, Math.min(end, (Math.floor(at / 512) + 1) * 512)]);
  }
  return sectors;
}

function read(file: Buffer): Operation[] | undefined {
  const found = readGeneration(file, damaged);
  return found === undefined ? undefined : [...readOperations(file, found, damaged)];
}

describe("a log file", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(generation, commits, (from, records) => {
        const { file } = fileOf(from, records);
        expect(readGeneration(file, damaged)).toBe(from);
        expect(read(file)).toEqual(records.flat());
      }),
    );
  });

  it("that ends in the middle has every record before its end", () => {
    fc.assert(
      fc.property(generation, commits, fc.nat(), (from, records, at) => {
        const { file, ends } = fileOf(from, records);
        const cut = at % (file.length + 1);
        const whole = ends.filter((end) => end <= cut).length;
        expect(read(file.subarray(0, cut))).toEqual(cut < HEAD_BYTES ? undefined : records.slice(0, whole).flat());
      }),
    );
  });

  it("whose last record lacks any of its sectors has every record before that", () => {
    fc.assert(
      fc.property(
        generation,
        fc.array(largeCommit, { minLength: 1, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
        fc.boolean(),
        (from, records, losses, isLonger) => {
          const { file, ends } = fileOf(from, records);
          const start = [HEAD_BYTES, ...ends].at(-2) ?? HEAD_BYTES;
          const torn = Buffer.from(file);
          const sectors = sectorsOf(start, file.length);
          let survivingEnd = start;
          for (const [index, [first, end]] of sectors.entries()) {
            if (losses[index] === true) torn.fill(0, first, end);
            else survivingEnd = end;
          }
          const left = torn.subarray(0, isLonger ? torn.length : survivingEnd);
          const kept = left.equals(file) ? records : records.slice(0, -1);
          expect(read(left)).toEqual(kept.flat());
        },
      ),
      { numRuns: 500 },
    );
  });

  it("that lacks a sector of a record with another one behind it is damaged", () => {
    fc.assert(
      fc.property(generation, fc.array(largeCommit, { minLength: 2, maxLength: 4 }), fc.nat(), (from, records, at) => {
        const { file, ends } = fileOf(from, records);
        const sectors = sectorsOf(HEAD_BYTES, ends.at(-2) ?? HEAD_BYTES);
        const [start, end] = sectors[at % sectors.length] ?? [0, 0];
        const gap = Buffer.from(file).fill(0, start, end);
        fc.pre(!gap.equals(file));
        expect(() => read(gap)).toThrow(Damage);
      }),
      { numRuns: 500 },
    );
  });

  it("with a flipped bit is damaged, and never reads as something else", () => {
    fc.assert(
      fc.property(generation, commits, fc.nat(), fc.nat(7), (from, records, at, bit) => {
        const { file, ends } = fileOf(from, records);
        const flipped = Buffer.from(file);
        const where = at % file.length;
        flipped[where] = (flipped[where] ?? 0) ^ (1 << bit);
        // With a sector of zeros in its last record, damage to that looks like a write that was cut short.
        const start = [HEAD_BYTES, ...ends].at(-2) ?? HEAD_BYTES;
        const sectors = sectorsOf(start, file.length).map(([first, end]) => flipped.subarray(first, end));
        fc.pre(sectors.every((sector) => sector.some((byte) => byte !== 0)));
        expect(() => read(flipped)).toThrow(Damage);
      }),
      { numRuns: 500 },
    );
  });

  it("has no place for a record of another generation, or one that is out of order", () => {
    const operations = [{ table: 1, key: "k", value: Buffer.of(1) }];
    const [one, two] = [fileOf(1, [operations, operations]), fileOf(2, [operations, operations])];
    const start = one.ends[0] ?? 0;
    expect(() => read(Buffer.concat([one.file.subarray(0, start), two.file.subarray(start)]))).toThrow(Damage);
    const first = one.file.subarray(encodeFileHead(1).length, start);
    expect(() => read(Buffer.concat([one.file.subarray(0, start), first]))).toThrow(Damage);
  });
});
