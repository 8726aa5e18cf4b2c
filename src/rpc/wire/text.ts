/**
 * Text from strangers: cut at a character boundary and made well-formed, so that every later reader can take it.
 */
import { asBuffer } from "./bytes.ts";

/** The first `maxBytes` bytes of UTF-8, less a character that the cut would split. */
export function cutUtf8(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.subarray(0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Text of at most `maxBytes` bytes in UTF-8; longer is cut. */
export function cutText(text: string, maxBytes: number): string {
  // A UTF-16 unit takes at most 3 bytes, so that most texts need no encoding to be found short enough.
  if (text.length * 3 <= maxBytes) return text;
  return asBuffer(cutUtf8(Buffer.from(text), maxBytes)).toString();
}

/** Decodes bytes that claim to be UTF-8: what is not becomes U+FFFD, what is longer than `maxBytes` is cut. */
export function lossyText(bytes: Uint8Array, maxBytes: number): string {
  // A replacement is longer than the byte it replaces, hence the second cut.
  return cutText(asBuffer(cutUtf8(bytes, maxBytes)).toString(), maxBytes);
}

/** One line that may travel as a status message: no lone surrogates (grpc-js throws on them), no control characters. */
export function statusText(text: string, maxBytes: number): string {
  return cutText(text.replace(/\p{Surrogate}/gu, "\uFFFD").replace(/\p{Cc}+/gu, " "), maxBytes);
}
