import { describe, expect, it } from "vitest";
import { UsageError } from "../exit.ts";
import { parseDispatchFile, readDispatchFile } from "./file.ts";

function parse(text: string) {
  return parseDispatchFile(text, "jobs.yaml");
}

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof UsageError) return error.message.split("\n");
    throw error;
  }
  throw new Error("the file was accepted");
}

describe("the file of tasks", () => {
  it("lists tasks, with payloads of any kind", () => {
    const { tasks, timeoutMs } = parse(`
timeoutMs: 60000
tasks:
  - name: march
    queue: reports
    payload: { month: 3, parts: [1, 2] }
    analyzers: [w1]
  - payload: plain text
`);
    expect(timeoutMs).toBe(60_000);
    expect(tasks).toMatchObject([
      {
        name: "march",
        place: "jobs.yaml:4",
        input: { queue: "reports", payload: { month: 3, parts: [1, 2] } },
        analyzers: ["w1"],
      },
      { name: "task 2", place: "jobs.yaml:8", input: { payload: "plain text" }, analyzers: undefined },
    ]);
  });

  it("F3: takes what a task does not say from the defaults", () => {
    const { tasks } = parse(`
defaults:
  { queue: q, priority: 7, retry: { maxAttempts: 2, maxBackoffMs: 9 }, attributes: { a: "1", b: "1" }, analyzers: [w1] }
tasks:
  - { priority: 1, retry: { maxAttempts: 5 }, attributes: { b: "2" }, analyzers: [w2] }
  - {}
`);
    expect(tasks).toMatchObject([
      {
        analyzers: ["w2"],
        input: {
          queue: "q",
          priority: 1,
          retry: { maxAttempts: 5, maxBackoffMs: 9 },
          attributes: { a: "1", b: "2" },
        },
      },
      { analyzers: ["w1"], input: { queue: "q", priority: 7, retry: { maxAttempts: 2 } } },
    ]);
  });

  it("F1, F2: reports all problems in the order of the lines, with the nearest keys", () => {
    const problems = problemsOf(`timeoutms: 10
defaults:
  retry: { maxAttempt: 2 }
tasks:
  - name: 7
    priorty: 3
  - nothing
  - analyzers: []
  - retry: { maxAttempts: many }
  - colour: red
`);
    expect(problems.slice(0, 6)).toEqual([
      "jobs.yaml:1:1: timeoutms: unknown key; did you mean 'timeoutMs'?",
      "jobs.yaml:3:12: defaults.retry.maxAttempt: unknown key; did you mean 'maxAttempts'?",
      "jobs.yaml:5:11: tasks[0].name: expected text; put it in quotes",
      "jobs.yaml:6:5: tasks[0].priorty: unknown key; did you mean 'priority'?",
      "jobs.yaml:7:5: tasks[1]: expected a mapping, such as { type: summary, payload: 1 }",
      "jobs.yaml:8:16: tasks[2].analyzers: expected at least one",
    ]);
    expect(problems[6]).toBe("jobs.yaml:9:27: tasks[3].retry.maxAttempts: expected a number");
    expect(problems[7]).toMatch(/^jobs.yaml:10:5: tasks\[4\].colour: unknown key; known are id, name, queue/);
    expect(problems).toHaveLength(8);
  });

  it.each([
    ["", "jobs.yaml is empty: list tasks under 'tasks:'"],
    ["- a\n", "jobs.yaml:1:1: the file: expected a mapping with the key 'tasks'"],
    ["defaults: {}\n", "jobs.yaml:1:1: tasks: missing"],
    ["tasks: []\n", "jobs.yaml:1:8: tasks: expected at least one"],
    ["tasks:\n  - {name: a, name: b}\n", "jobs.yaml:2:15: Map keys must be unique"],
  ])("is refused as %j", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it("is refused when it unfolds to far more than it holds", () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `l${level + 1}: &l${level + 1} [${"*l".concat(`${level}, `).repeat(9)}]`,
    );
    expect(problemsOf(`l0: &l0 x\n${levels.join("\n")}\n`).join()).toMatch(/^jobs.yaml: Excessive alias count/);
  });

  it("must be there", () => {
    expect(() => readDispatchFile("gone.yaml", "/")).toThrow(/^cannot read gone.yaml: ENOENT/);
  });
});
