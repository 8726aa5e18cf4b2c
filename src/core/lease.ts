/**
 * Lease numbers: the fencing tokens of deliveries.
 *
 * Invariants:
 *  N1  A lease is epoch * 2^32 + sequence, so leases of a later start of the node are greater than all earlier ones.
 *  N2  It is exact as a double and, as an uint64 on the wire, always at least 2^32: 0 never is a lease.
 */

/** Sequence numbers of one epoch: 0 up to, but not including, this. */
export const LEASES_PER_EPOCH = 2 ** 32;
/** The largest epoch whose leases are exact as doubles. */
export const MAX_EPOCH = 2 ** 21 - 1;

/** The lease with this number in its epoch. RangeError beyond 1 <= epoch <= MAX_EPOCH, 0 <= sequence < LEASES_PER_EPOCH. */
export function makeLease(epoch: number, sequence: number): number {
  if (!Number.isInteger(epoch) || epoch < 1 || epoch > MAX_EPOCH) {
    throw new RangeError(`an epoch must be a whole number from 1 to ${MAX_EPOCH}, got ${epoch}`);
  }
  if (!Number.isInteger(sequence) || sequence < 0 || sequence >= LEASES_PER_EPOCH) {
    throw new RangeError(
      `a lease's sequence must be a whole number from 0 to ${LEASES_PER_EPOCH - 1}, got ${sequence}`,
    );
  }
  return epoch * LEASES_PER_EPOCH + sequence;
}

/** The start of the node that gave out this lease. */
export function epochOf(lease: number): number {
  return Math.floor(lease / LEASES_PER_EPOCH);
}

/** Whether `makeLease` could have made this number. */
export function isLease(n: number): boolean {
  return Number.isSafeInteger(n) && n >= LEASES_PER_EPOCH;
}
