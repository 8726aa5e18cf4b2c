import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf, show } from "./payload.ts";

describe("a payload", () => {
  it.each([
    ["application/json", '{"a":[1,null]}', { json: { a: [1, null] } }],
    ["application/vnd.api+json; charset=utf-8", "null", { json: null }],
    ["text/plain; charset=utf-8", "grüß dich", { text: "grüß dich" }],
    ["application/octet-stream", "hi", { base64: "aGk=" }],
    ["", "hi", { base64: "aGk=" }],
    ["application/json", "{broken", { base64: "e2Jyb2tlbg==" }],
  ])("of type '%s' is shown in the form that fits", (contentType, text, shown) => {
    expect(show({ bytes: Buffer.from(text), contentType })).toEqual(shown);
  });

  it("that is not the text that it claims to be is shown in base64", () => {
    expect(show({ bytes: Buffer.from([0xff, 0xfe]), contentType: "text/plain" })).toEqual({ base64: "//4=" });
  });

  it("P1: can be submitted again as it is shown", () => {
    const types = fc.constantFrom("text/plain", "application/octet-stream", "image/png", "");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), types, (bytes, contentType) => {
        const again = contentOf(show({ bytes, contentType }), contentType);
        expect(Buffer.from(again.bytes).equals(Buffer.from(bytes))).toBe(true);
        expect(again.contentType).toBe(contentType);
      }),
    );
  });

  it("P1: of JSON keeps its value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const content = contentOf({ json }, undefined);
        expect(show(content)).toEqual({ json: JSON.parse(JSON.stringify(json)) });
      }),
    );
  });

  it.each([
    [{ json: 1, text: "a" }, "one of"],
    [{ base64: "a" }, "base64"],
    [{ base64: "a===" }, "base64"],
    [{ base64: "-_==" }, "base64"],
  ])("%o is refused with what to mend", (shown, message) => {
    expect(() => contentOf(shown, undefined)).toThrow(message);
  });
});
