import { describe, expect, it } from "vitest";
import { batchArray } from "./batch-array.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe("a batch over an array", () => {
  it.each([
    ["square", [1, 2, -3], [1, 4, 9]],
    ["double", [1, 2.5], [2, 5]],
    ["negate", [1, -2], [-1, 2]],
    ["upper-case", ["a", "ß"], ["A", "SS"]],
    ["lower-case", ["A"], ["a"]],
    ["trim", [" a "], ["a"]],
  ])("%s: an item for each item", async (operation, items, values) => {
    const result = await runHandler(batchArray, { operation, items, chunkSize: 2 });
    expect(result).toEqual({ operation, count: items.length, values });
  });

  it.each([
    ["sum", 6],
    ["max", 3],
    ["min", 1],
  ])("%s: one value for all items", async (operation, value) => {
    const result = await runHandler(batchArray, { operation, items: [2, 1, 3], chunkSize: 1 });
    expect(result).toEqual({ operation, count: 3, value });
  });

  it("of no items has no values", async () => {
    expect(await runHandler(batchArray, { operation: "square", items: [] })).toMatchObject({ count: 0, values: [] });
  });

  it("B1: reports progress after each chunk", async () => {
    const reports: [number, string][] = [];
    const onProgress = (percent: number, note: string) => reports.push([percent, note]);
    await runHandler(batchArray, { operation: "sum", items: range(250), chunkSize: 100 }, { onProgress });
    expect(reports).toEqual([
      [40, "100 of 250 items"],
      [80, "200 of 250 items"],
      [100, "250 of 250 items"],
    ]);
  });

  it("B2: stops after the chunk in which it is aborted, with the reason of the signal", async () => {
    const cancel = new AbortController();
    const reason = new Error("cancelled by an operator");
    let chunks = 0;
    const onProgress = () => {
      chunks += 1;
      if (chunks === 3) cancel.abort(reason);
    };
    const batch = { operation: "square", items: range(100), chunkSize: 1 };
    await expect(runHandler(batchArray, batch, { signal: cancel.signal, onProgress })).rejects.toBe(reason);
    expect(chunks).toBe(3);
  });

  it("B2: does not wait out its pause when it is aborted", async () => {
    const cancel = new AbortController();
    const reason = new Error("the lease is lost");
    const onProgress = () => setImmediate(() => cancel.abort(reason));
    const batch = { operation: "square", items: range(2), chunkSize: 1, pauseMs: 60_000 };
    await expect(runHandler(batchArray, batch, { signal: cancel.signal, onProgress })).rejects.toBe(reason);
  });

  it("B2: does nothing when it was aborted before", async () => {
    const reports: number[] = [];
    const input = { signal: AbortSignal.abort("late"), onProgress: (percent: number) => reports.push(percent) };
    await expect(runHandler(batchArray, { operation: "sum", items: [1] }, input)).rejects.toBe("late");
    expect(reports).toEqual([]);
  });

  it("fails for good when a result is no number", async () => {
    expect(await failureOf(batchArray, { operation: "sum", items: [1e308, 1e308] })).toMatchObject({
      code: "OUT_OF_RANGE",
      nonRetryable: true,
    });
  });

  it.each([
    [{ operation: "divide", items: [1] }, /operation: /],
    [{ operation: "square", items: [1, "2"] }, /items\.1: .*expected number/],
    [{ operation: "upper-case", items: [1] }, /items\.0: .*expected string/],
    [{ operation: "max", items: [] }, /items: /],
    [{ operation: "square", items: [1], chunkSize: 0 }, /chunkSize: /],
    [{ operation: "square", items: [1], chunk: 5 }, /"chunk"/],
    ["[1, 2", /it is not JSON$/],
    ["", /it is empty$/],
  ])("refuses %j for good", async (payload, message) => {
    const error = await failureOf(batchArray, payload);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(/^expected JSON like {"operation": "square"/);
    expect(error.message).toMatch(message);
  });
});
