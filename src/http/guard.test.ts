import { describe, expect, it } from "vitest";
import { Guard, normalOrigin } from "./guard.ts";

const guard = new Guard(["https://ops.example.com", "http://10.0.0.5:3000"]);

function refusal(host: string | undefined, rest: { origin?: string; fetchSite?: string; fetchMode?: string } = {}) {
  const { origin, fetchSite, fetchMode } = rest;
  return guard.refusal({ host, origin, fetchSite, fetchMode });
}

describe("the guard", () => {
  it.each([
    "127.0.0.1:7080",
    "127.0.0.1",
    "[::1]:7080",
    "192.168.1.7:7080",
    "localhost:7080",
    "LOCALHOST:7080",
    "sluice:7080",
    "sluice.default.svc.cluster.local:7080",
    "node-1.internal",
    "sluice.localhost:7080",
    "ops.example.com",
    "ops.example.com.:7080",
  ])("W1: lets programs call under the name %s", (host) => {
    expect(refusal(host)).toBeUndefined();
  });

  it.each([
    "evil.example",
    "evil.example:7080",
    "127.0.0.1.evil.example",
    "local.evil.example",
    "ops.example.com.evil",
    "",
  ])("W1: refuses the name '%s', which somebody could point here, and says what to do", (host) => {
    expect(refusal(host)).toContain("httpAllowedOrigins");
  });

  it("W1: refuses a request that names no host", () => {
    expect(refusal(undefined)).toContain("Host");
  });

  it.each([
    "http://evil.example",
    "http://127.0.0.1:9999",
    "http://localhost:7080",
    "null",
    "http://127.0.0.1:7080.evil.example",
    "ftp://127.0.0.1:7080",
  ])("W2: refuses pages of %s and says what to do", (origin) => {
    expect(refusal("127.0.0.1:7080", { origin })).toContain("httpAllowedOrigins");
  });

  it.each(["http://127.0.0.1:7080", "https://127.0.0.1:7080", "https://ops.example.com", "http://10.0.0.5:3000"])(
    "W2: lets pages of %s call: its own, and those that are allowed",
    (origin) => {
      expect(refusal("127.0.0.1:7080", { origin, fetchSite: "cross-site", fetchMode: "cors" })).toBeUndefined();
    },
  );

  it.each(["cross-site", "same-site"])(
    "W2: refuses what a %s page loads, but not a link that is followed",
    (fetchSite) => {
      expect(refusal("127.0.0.1:7080", { fetchSite, fetchMode: "no-cors" })).toContain("another site");
      expect(refusal("127.0.0.1:7080", { fetchSite, fetchMode: "navigate" })).toBeUndefined();
      expect(refusal("127.0.0.1:7080", { fetchSite: "same-origin", fetchMode: "cors" })).toBeUndefined();
      expect(refusal("127.0.0.1:7080", { fetchSite: "none", fetchMode: "navigate" })).toBeUndefined();
    },
  );

  it("knows an origin from what is none", () => {
    expect(normalOrigin("HTTPS://Ops.example.com:443/")).toBe("https://ops.example.com");
    for (const text of [
      "ops.example.com",
      "https://a.example/x",
      "https://a.example?x",
      "https://me@a.example",
      "data:,",
    ])
      expect(normalOrigin(text)).toBeUndefined();
  });
});
