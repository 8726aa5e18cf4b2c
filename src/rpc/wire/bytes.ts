/**
 * Bytes as buffers: which may be kept as they are, and which must be copied.
 */

const NO_BYTES = new Uint8Array(0);
/** Largest buffer that a kept slice may pin: the pool from which Node.js cuts small buffers. */
const MAX_PINNED_BYTES = 8192;
/** ... or this many times its own length. */
const MAX_PINNED_FACTOR = 4;

/** A slice that may be kept: copied unless the buffer it would pin is small or nearly all its own. */
export function keep(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return NO_BYTES;
  return pinsLittle(bytes, bytes.length) ? bytes : Buffer.from(bytes);
}

/** The bytes from `start` to `end`, followed by others, fit to be kept as with `keep`. */
export function keepWith(source: Buffer, start: number, end: number, appended: Uint8Array): Uint8Array {
  if (appended.length === 0 && pinsLittle(source, end - start)) return source.subarray(start, end);
  const copy = Buffer.allocUnsafe(end - start + appended.length);
  source.copy(copy, 0, start, end);
  if (appended.length > 0) copy.set(appended, end - start);
  return copy;
}

function pinsLittle({ buffer }: Uint8Array, ownBytes: number): boolean {
  return buffer.byteLength <= Math.max(MAX_PINNED_BYTES, MAX_PINNED_FACTOR * ownBytes);
}

/** The same bytes as a Buffer, which is what grpc-js takes. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
