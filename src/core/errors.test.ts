import { expect, test } from "vitest";
import { SluiceError } from "./errors.ts";

test("an expected error has a code, says what to do, and hints when to try again if it is told", () => {
  const plain = new SluiceError("NOT_FOUND", "no such task: look it up by its id");
  expect(plain).toBeInstanceOf(Error);
  expect([plain.name, plain.code, plain.message, plain.retryAfterMs]).toEqual([
    "SluiceError",
    "NOT_FOUND",
    "no such task: look it up by its id",
    0,
  ]);
  expect(new SluiceError("RESOURCE_EXHAUSTED", "full: try again", 250).retryAfterMs).toBe(250);
});
