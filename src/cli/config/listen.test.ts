import { describe, expect, it } from "vitest";
import { parseListen, parseOrigins } from "./listen.ts";

describe("an address to listen on", () => {
  it.each([
    ["127.0.0.1:7080", { host: "127.0.0.1", port: 7080 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["[::1]:80", { host: "::1", port: 80 }],
  ])("is read from %s", (text, address) => {
    expect(parseListen(text)).toEqual(address);
  });

  it.each(["off", "7080", ":7080", "a:b", "::1:80", "127.0.0.1:65536", "a b:1", ""])("is not in '%s'", (text) => {
    expect(parseListen(text)).toBeUndefined();
  });
});

describe("origins", () => {
  it.each([
    ["none", []],
    ["https://ops.example.com", ["https://ops.example.com"]],
    ["https://Ops.example.com:443/, http://localhost:5173", ["https://ops.example.com", "http://localhost:5173"]],
  ])("are read from %s as browsers write them", (text, origins) => {
    expect(parseOrigins(text)).toEqual(origins);
  });

  it.each(["*", "ops.example.com", "https://a.example/path", "ftp://a.example", "https://a.example,,"])(
    "are not in '%s'",
    (text) => {
      expect(parseOrigins(text)).toBeUndefined();
    },
  );
});
