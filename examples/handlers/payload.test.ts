import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "./payload.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

const SCHEMA = z.strictObject({ a: z.number(), b: z.array(z.string()) });

const read = (task: Parameters<typeof readJson>[0]) => readJson(task, SCHEMA, 'JSON like {"a": 1, "b": []}');

describe("a payload", () => {
  it("that matches comes back", async () => {
    expect(await runHandler(read, { a: 1, b: ["x"] })).toEqual({ a: 1, b: ["x"] });
  });

  it("P1, P2: that does not match is refused for good, with what is expected and what is wrong", async () => {
    const error = await failureOf(read, { a: "1", b: ["x", 2], c: 3 });
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(/^expected JSON like {"a": 1, "b": \[\]}: a: .*; b\.1: .*"c"/);
  });

  it("P2: with many faults names the first ones", async () => {
    const error = await failureOf(read, { a: 1, b: Array.from({ length: 1000 }, (_, index) => index) });
    expect(error.message).toContain("b.4: ");
    expect(error.message).not.toContain("b.5: ");
  });
});
