/**
 * Texts for the property tests of the wire formats.
 */
import fc from "fast-check";

/**
 * Any well-formed text of at most `maxBytes` bytes of UTF-8, which is how the limits count: a single grapheme, a flag or a
 * family, may take tens of bytes.
 */
export function anyTextWithin(maxBytes: number): fc.Arbitrary<string> {
  return fc
    .string({ maxLength: Math.ceil(maxBytes / 2), unit: "grapheme" })
    .filter((text) => Buffer.byteLength(text) <= maxBytes);
}
