import fc from "fast-check";
import { expect, test } from "vitest";
import { epochOf, isLease, LEASES_PER_EPOCH, MAX_EPOCH, makeLease } from "./lease.ts";

const epochs = fc.integer({ min: 1, max: MAX_EPOCH });
const sequences = fc.integer({ min: 0, max: LEASES_PER_EPOCH - 1 });

test("the constants are those of the wire format", () => {
  expect(LEASES_PER_EPOCH).toBe(4_294_967_296);
  expect(MAX_EPOCH).toBe(2_097_151);
});

test("the first and the last lease are exact (N2)", () => {
  expect(makeLease(1, 0)).toBe(4_294_967_296);
  expect(makeLease(MAX_EPOCH, LEASES_PER_EPOCH - 1)).toBe(Number.MAX_SAFE_INTEGER);
  expect([makeLease(1, 0), makeLease(MAX_EPOCH, LEASES_PER_EPOCH - 1)].map(isLease)).toEqual([true, true]);
});

test("a lease names its epoch and sequence, and is a lease", () => {
  fc.assert(
    fc.property(epochs, sequences, (epoch, sequence) => {
      const lease = makeLease(epoch, sequence);
      expect(isLease(lease)).toBe(true);
      expect(epochOf(lease)).toBe(epoch);
      expect(lease % LEASES_PER_EPOCH).toBe(sequence);
    }),
  );
});

test("leases rise with the epoch, then with the sequence (N1)", () => {
  fc.assert(
    fc.property(epochs, sequences, epochs, sequences, (epochA, sequenceA, epochB, sequenceB) => {
      const order = Math.sign(epochA - epochB || sequenceA - sequenceB);
      expect(Math.sign(makeLease(epochA, sequenceA) - makeLease(epochB, sequenceB))).toBe(order);
    }),
  );
});

test.each([0, -1, 1.5, MAX_EPOCH + 1, Number.NaN])("epoch %d is refused", (epoch) => {
  expect(() => makeLease(epoch, 0)).toThrow(
    new RangeError(`an epoch must be a whole number from 1 to 2097151, got ${epoch}`),
  );
});

test.each([-1, 0.5, LEASES_PER_EPOCH, Number.NaN])("sequence %d is refused", (sequence) => {
  expect(() => makeLease(1, sequence)).toThrow(
    new RangeError(`a lease's sequence must be a whole number from 0 to 4294967295, got ${sequence}`),
  );
});

test.each([0, 1, LEASES_PER_EPOCH - 1, LEASES_PER_EPOCH + 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])(
  "%d is no lease",
  (n) => {
    expect(isLease(n)).toBe(false);
  },
);
