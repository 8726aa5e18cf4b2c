import { describe, expect, it } from "vitest";
import { sleep } from "./sleep.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

describe("a sleep", () => {
  it("lasts as long as asked for", async () => {
    const startMs = performance.now();
    expect(await runHandler(sleep, { ms: 30 })).toEqual({ sleptMs: 30 });
    // Timers may ring a fraction of a millisecond early.
    expect(performance.now() - startMs).toBeGreaterThan(28);
  });

  it("of no time ends at once", async () => {
    expect(await runHandler(sleep, { ms: 0 })).toEqual({ sleptMs: 0 });
  });

  it("ends early with the reason of the signal", async () => {
    const cancel = new AbortController();
    const run = runHandler(sleep, { ms: 86_400_000 }, { signal: cancel.signal });
    const reason = new Error("TIMEOUT");
    setImmediate(() => cancel.abort(reason));
    await expect(run).rejects.toBe(reason);
  });

  it("does not begin when it is aborted already", async () => {
    await expect(runHandler(sleep, { ms: 60_000 }, { signal: AbortSignal.abort("late") })).rejects.toBe("late");
  });

  it.each([[{ ms: -1 }], [{ ms: 86_400_001 }], [{ ms: "10" }], [{ seconds: 1 }], ["soon"]])(
    "refuses %j for good",
    async (payload) => {
      const error = await failureOf(sleep, payload);
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
      expect(error.message).toMatch(/^expected JSON like {"ms": 1500}, of 0 to 86400000 milliseconds: /);
    },
  );
});
