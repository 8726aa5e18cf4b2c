import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutText, lossyText, statusText } from "./text.ts";

describe("text", () => {
  test("is cut to its limit at a character boundary, and is a beginning of what it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(30), (text, maxBytes) => {
        const cut = cutText(text, maxBytes);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
        expect(text.startsWith(cut)).toBe(true);
        // No more is lost than the character that the limit splits.
        if (cut !== text) expect(Buffer.byteLength(cut)).toBeGreaterThan(maxBytes - 4);
      }),
    );
  });

  test("from any bytes is valid and within its limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(40), (bytes, maxBytes) => {
        const text = lossyText(bytes, maxBytes);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
        expect(() => encodeURI(text)).not.toThrow();
      }),
    );
  });

  test("of a status is one line that encodeURI takes, whatever it is made of", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const line = statusText(`\ud800${text}\n\u0000\udc00`, 1024);
        expect(() => encodeURI(line)).not.toThrow();
        expect(line).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
