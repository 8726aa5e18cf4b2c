import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { TaskSchema, TaskState } from "@sluice/client/contract";
import { describe, expect, it } from "vitest";
import { paletteFor } from "../output/colour.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { type Ending, endingOf } from "./ending.ts";
import { reportJson, reportLines } from "./report.ts";

const plain = paletteFor(collectingTerminal().out, {});
const DISPATCHED = { name: "march", place: "jobs.yaml:4", input: {}, analyzers: undefined };

function ended(init: MessageInitShape<typeof TaskSchema>, analyzers?: readonly string[]): Ending {
  return endingOf({ ...DISPATCHED, analyzers }, "7", { kind: "ended", task: create(TaskSchema, init) });
}

function attempt(startMs: number, endMs: number) {
  return { startTime: timestampFromMs(startMs), endTime: timestampFromMs(endMs) };
}

function output(text: string, contentType: string) {
  return { output: Buffer.from(text), contentType };
}

const COMPLETED = {
  state: TaskState.COMPLETED,
  analyzerId: "w1",
  attempts: 1,
  history: [attempt(0, 100)],
  ...attempt(500, 700),
  result: output('{"pages":3}', "application/json"),
};

describe("the ending of a dispatched task", () => {
  it("counts the attempts and the time of all of them, without the waits between", () => {
    expect(ended(COMPLETED)).toEqual({
      name: "march",
      id: "7",
      state: "completed",
      analyzer: "w1",
      attempts: 2,
      retries: 1,
      executionMs: 300,
      result: { pages: 3 },
      problem: undefined,
    });
  });

  it("does not count the last attempt of a dead letter twice", () => {
    const error = { code: "NO_ORDER", message: "no such order" };
    const history = [attempt(0, 100), attempt(500, 700)];
    const task = { state: TaskState.FAILED, analyzerId: "w1", attempts: 2, history, ...attempt(500, 700), error };
    expect(ended(task)).toMatchObject({
      attempts: 2,
      retries: 1,
      executionMs: 300,
      problem: "NO_ORDER: no such order",
    });
  });

  it("is a failure when another analyzer than the expected ones ran it", () => {
    expect(ended(COMPLETED, ["w1", "w2"]).problem).toBeUndefined();
    expect(ended(COMPLETED, ["w2", "w3"]).problem).toBe("unexpected analyzer: it ran at w1, expected w2 or w3");
  });

  it.each([
    ["text", "three", "text/plain", "three"],
    ["JSON that is none", "{", "application/json", "{"],
    ["bytes that would garble a terminal", "\u001b[2J", "", undefined],
  ])("has %s as result", (_, text, contentType, result) => {
    expect(ended({ ...COMPLETED, result: output(text, contentType) }).result).toBe(result);
  });

  it("names the line of a task that the node refused", () => {
    const ending = endingOf(DISPATCHED, "", { kind: "refused", problem: "priority must be 0 to 9" });
    expect(ending).toMatchObject({ state: "refused", id: "", problem: "jobs.yaml:4: priority must be 0 to 9" });
  });
});

describe("the report of a dispatch", () => {
  const long = { ...COMPLETED, result: output(`many\n  words ${"and ".repeat(40)}`, "text/plain") };
  const endings = [ended(COMPLETED), ended(long, ["w9"]), endingOf(DISPATCHED, "7", { kind: "open" })];

  it("has a line per task, shortened, and the gain of running them side by side", () => {
    const lines = reportLines({ endings, wallMs: 200 }, plain);
    expect(lines[1]?.split(/ {2,}/)).toEqual(["march", "completed", "w1", "300ms", "2", "1", '{"pages":3}']);
    expect(lines[2]).toMatch(/^march +completed \(unexpected\) .* many words and [^\n]*\.\.\.$/);
    expect(lines.slice(4)).toEqual([
      "",
      "3 tasks: 1 completed, 1 completed (unexpected), 1 open",
      "200ms by the clock, 600ms if run one after the other: 3.0 times as fast",
      "failed: march: unexpected analyzer: it ran at w1, expected w9",
      "failed: march: had not ended",
    ]);
  });

  it("is the same as JSON, in full", () => {
    expect(JSON.parse(reportJson({ endings, wallMs: 200.4 }))).toMatchObject({
      ok: false,
      tasks: [
        { state: "completed", result: { pages: 3 }, problem: null },
        { result: expect.stringMatching(/(and ){40}/) },
        { state: "open", result: null, problem: "had not ended" },
      ],
      wallMs: 200,
      executionMs: 600,
      speedUp: 2.99,
    });
  });
});
