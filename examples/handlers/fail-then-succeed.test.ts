import { describe, expect, it } from "vitest";
import { failThenSucceed } from "./fail-then-succeed.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

describe("a task that fails at first", () => {
  it.each([1, 2])("fails attempt %i of 2, and may be tried again", async (attempt) => {
    const error = await failureOf(failThenSucceed, { failures: 2 }, { attempt });
    expect(error).toMatchObject({ code: "EXPECTED_FAILURE", nonRetryable: false });
    expect(error.message).toBe(`attempt ${attempt} fails, as do the first 2`);
  });

  it("succeeds after that, and says with which attempt", async () => {
    expect(await runHandler(failThenSucceed, { failures: 2 }, { attempt: 3 })).toEqual({ attempts: 3 });
  });

  it("succeeds at once without failures", async () => {
    expect(await runHandler(failThenSucceed, { failures: 0 })).toEqual({ attempts: 1 });
  });

  it.each([[{ failures: -1 }], [{ failures: 101 }], [{}], ["2"]])("refuses %j for good", async (payload) => {
    const error = await failureOf(failThenSucceed, payload);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(/^expected JSON like {"failures": 2}, of 0 to 100: /);
  });
});
