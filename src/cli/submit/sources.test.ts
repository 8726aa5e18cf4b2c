import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import type { TaskInput } from "@sluice/client";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandError, UsageError } from "../exit.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { fileSource, linesSource, payloadTask, type Reading, randomSource, type TaskSource } from "./sources.ts";

let directory: string;
let problems: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-submit-"));
  problems = [];
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function reading(input: Readable = Readable.from([]), signal = new AbortController().signal): Reading {
  return {
    terminal: { ...collectingTerminal(), input, directory },
    signal,
    badLine: (place, problem) => problems.push(`${place}: ${problem}`),
  };
}

async function collect({ tasks }: TaskSource): Promise<TaskInput[]> {
  const collected: TaskInput[] = [];
  for await (const task of tasks) collected.push(task);
  return collected;
}

describe("a JSON payload", () => {
  it("is submitted as typed", () => {
    const task = payloadTask('{"big": 12345678901234567890}', { queue: "logs" });
    expect(task).toMatchObject({ queue: "logs", contentType: "application/json" });
    expect(task.payload).toEqual(new TextEncoder().encode('{"big": 12345678901234567890}'));
  });

  it("is refused when it is no JSON", () => {
    expect(() => payloadTask("{message: hi}", {})).toThrow(UsageError);
  });
});

describe("a file of tasks", () => {
  it("gives a task per line, with the defaults where a line says nothing", async () => {
    writeFileSync(
      join(directory, "jobs.jsonl"),
      '{"type": "mail", "payload": {"order": 7}, "priority": 9}\n\n{"queue": "other", "payload": "text"}',
    );
    expect(await collect(fileSource("jobs.jsonl", { queue: "logs", priority: 1 }, reading()))).toEqual([
      { queue: "logs", type: "mail", payload: { order: 7 }, priority: 9 },
      { queue: "other", payload: "text", priority: 1 },
    ]);
    expect(problems).toEqual([]);
  });

  it("leaves out bad lines and says which and why", async () => {
    const lines = ['{"payload": 1}', "not json", '{"prioritty": 1}', '{"priority": "high"}', "[1]", '{"payload": 2}'];
    writeFileSync(join(directory, "jobs.jsonl"), lines.join("\r\n"));
    const tasks = await collect(fileSource("jobs.jsonl", {}, reading()));
    expect(tasks.map((task) => task.payload)).toEqual([1, 2]);
    expect(problems).toHaveLength(4);
    expect(problems[0]).toMatch(/^jobs.jsonl:2: not JSON: /);
    expect(problems[1]).toBe("jobs.jsonl:3: unknown field 'prioritty'; did you mean 'priority'?");
    expect(problems[2]).toMatch(/^jobs.jsonl:4: priority: /);
    expect(problems[3]).toMatch(/^jobs.jsonl:5: expected a task as a JSON object/);
  });

  it("reads times and retry policies", async () => {
    const line = '{"notBefore": "2030-01-02T03:04:05+01:00", "retry": {"maxAttempts": 5}}';
    const [task] = await collect(fileSource("-", {}, reading(Readable.from([line]))));
    expect(task).toEqual({ notBefore: new Date("2030-01-02T02:04:05Z"), retry: { maxAttempts: 5 } });
  });

  it("fails when it is not there", async () => {
    await expect(collect(fileSource("gone.jsonl", {}, reading()))).rejects.toThrow(/cannot read gone.jsonl: ENOENT/);
  });
});

describe("lines of text", () => {
  it("are the same however the input is cut into pieces", async () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(20)), async (lines, cuts) => {
        const bytes = Buffer.from(lines.join("\n"));
        const pieces: Buffer[] = [];
        let start = 0;
        for (const cut of [...cuts, bytes.length]) {
          pieces.push(bytes.subarray(start, start + cut));
          start += cut;
        }
        const tasks = await collect(linesSource("-", {}, reading(Readable.from(pieces, { objectMode: false }))));
        expect(tasks.map((task) => task.payload)).toEqual(lines.filter((text) => text !== ""));
      }),
    );
  });

  it("end when the reading is called off although the input goes on", async () => {
    const stop = new AbortController();
    const input = new PassThrough();
    input.write("one\n");
    const { tasks } = linesSource("-", {}, reading(input, stop.signal));
    const seen: unknown[] = [];
    const consume = async (): Promise<void> => {
      for await (const task of tasks) {
        seen.push(task.payload);
        stop.abort();
      }
    };
    await expect(consume()).rejects.toThrow(CommandError);
    expect(seen).toEqual(["one"]);
  });

  it("are refused when one has no end", async () => {
    const endless = Readable.from(
      (function* () {
        while (true) yield "x".repeat(1_000_000);
      })(),
    );
    await expect(collect(linesSource("-", {}, reading(endless)))).rejects.toThrow(/line 1 is longer than/);
  });
});

describe("random tasks", () => {
  it("are as many as asked for, of type log unless said otherwise", async () => {
    const tasks = await collect(randomSource(25, { queue: "logs" }));
    expect(tasks).toHaveLength(25);
    expect(tasks.every((task) => task.type === "log" && task.queue === "logs")).toBe(true);
    expect((await collect(randomSource(1, { type: "other" })))[0]?.type).toBe("other");
  });
});
