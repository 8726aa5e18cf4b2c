import { describe, expect, it } from "vitest";
import { addressOf, allowedAddresses } from "./http-permission.ts";

describe("the address of a URL", () => {
  it.each([
    ["http://Example.ORG/x", "example.org:80"],
    ["https://example.org/x", "example.org:443"],
    ["http://127.0.0.1:8080/", "127.0.0.1:8080"],
    ["http://[::1]:8080/", "[::1]:8080"],
    // However it is written: the parser of URLs knows the ways.
    ["http://0x7f.1:8080/", "127.0.0.1:8080"],
    ["http://127.0.0.1:80@example.org/", "example.org:80"],
  ])("%s is %s", (url, address) => {
    expect(addressOf(new URL(url))).toBe(address);
  });
});

describe("a list of allowed addresses", () => {
  it("allows what it names, whatever the case and the spaces", () => {
    const isAllowed = allowedAddresses(" Example.org:80 ,127.0.0.1:8080");
    const asked = ["example.org:80", "127.0.0.1:8080", "example.org:443", "sub.example.org:80", "127.0.0.1:80"];
    expect(asked.map(isAllowed)).toEqual([true, true, false, false, false]);
  });

  it("with * allows everything", () => {
    expect(allowedAddresses("*")("example.org:80")).toBe(true);
  });

  it("that is empty allows nothing", () => {
    expect(["example.org:80", "*:80"].map(allowedAddresses(""))).toEqual([false, false]);
  });
});
