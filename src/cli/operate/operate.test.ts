import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { QueueSettingsSchema, TaskSchema, TaskState } from "@sluice/client/contract";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { UsageError } from "../exit.ts";
import { addQueueSettings, queueSettingsInput } from "./queue-settings.ts";
import { addFilterOptions, taskFilter, taskSelection } from "./task-filter.ts";
import { taskDetails } from "./task-report.ts";

function parse(command: Command, args: readonly string[]) {
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse(args, { from: "user" })
    .opts();
}

const ENDED = [TaskState.COMPLETED, TaskState.FAILED];

describe("options that say which tasks", () => {
  it("become a filter", () => {
    const args = ["--queue", "mail", "--state", "failed,Cancelled", "--attribute", "a=b=c", "--since", "1m"];
    expect(taskFilter(parse(addFilterOptions(new Command()), args), 100_000)).toEqual({
      queue: "mail",
      states: [TaskState.FAILED, TaskState.CANCELLED],
      type: "",
      attributes: { a: "b=c" },
      submittedFrom: timestampFromMs(40_000),
    });
  });

  it("refuse a state that there is not, and name the nearest", () => {
    expect(() => parse(addFilterOptions(new Command()), ["--state", "faled"])).toThrow(/did you mean 'failed'/);
  });

  it("are ids or a filter with a queue, so that nothing is changed by a slip", () => {
    expect(taskSelection(["7"], {}, 0, ENDED)).toEqual({ ids: ["7"] });
    expect(taskSelection([], { queue: "q" }, 0, ENDED)).toMatchObject({ filter: { queue: "q" } });
    expect(() => taskSelection([], {}, 0, ENDED)).toThrow(UsageError);
    expect(() => taskSelection([], { type: "x" }, 0, ENDED)).toThrow(UsageError);
    expect(() => taskSelection(["7"], { queue: "q" }, 0, ENDED)).toThrow(UsageError);
  });

  it("are refused in states that the operation can do nothing with", () => {
    const select = (state: TaskState) => taskSelection([], { queue: "q", state: [state] }, 0, ENDED);
    expect(select(TaskState.FAILED)).toMatchObject({ filter: { states: [TaskState.FAILED] } });
    expect(() => select(TaskState.PENDING)).toThrow(
      "nothing can be done here with pending tasks: only with completed, failed",
    );
  });
});

describe("options that set a queue", () => {
  it("reach every setting of the contract", () => {
    const amounts = ["--max-lag", "--max-lead", "--max-waiting", "--retention-count", "--dead-retention-count"];
    const quantities = ["--hold", "--max-waiting-bytes", "--retention", "--dead-retention"];
    const args = ["--paused", "yes", ...[...amounts, ...quantities].flatMap((name) => [name, "7"])];
    const settings = queueSettingsInput(parse(addQueueSettings(new Command()), args));
    expect(Object.keys(settings).sort()).toEqual(QueueSettingsSchema.fields.map(({ localName }) => localName).sort());
  });

  it("change only what is given", () => {
    const args = ["--max-lead", "1", "--retention", "1h", "--max-waiting-bytes", "1GiB"];
    expect(queueSettingsInput(parse(addQueueSettings(new Command()), args))).toEqual({
      maxLead: 1,
      retentionMs: 3_600_000,
      maxWaitingBytes: 1_073_741_824,
    });
  });
});

describe("the details of a task", () => {
  const spec = { id: "7", queue: "q", contentType: "text/plain" };

  it("show its payload as text, and leave out what it does not have", () => {
    const task = create(TaskSchema, { state: TaskState.PENDING, spec: { ...spec, payload: Buffer.from("disk full") } });
    const lines = taskDetails(task);
    expect(lines.at(-1)).toMatch(/^payload +disk full {2}\(9 B, text\/plain\)$/);
    expect(lines.some((line) => line.startsWith("error"))).toBe(false);
  });

  it.each([
    ["bytes", Uint8Array.of(0xff, 0xfe)],
    ["control characters", Buffer.from("\u001b[2J")],
  ])("never send %s of a payload to the terminal", (_, payload) => {
    const lines = taskDetails(create(TaskSchema, { spec: { ...spec, payload } }));
    expect(lines.at(-1)).toMatch(/^payload +\(\d B, text\/plain\)$/);
  });

  it("end with the failed attempts", () => {
    const error = { code: "EXIT_STATUS", message: "exit status 1: locked\nmore" };
    const history = [
      { number: 1, analyzerId: "a1", startTime: timestampFromMs(0), endTime: timestampFromMs(5), error },
    ];
    const lines = taskDetails(create(TaskSchema, { state: TaskState.FAILED, spec, history }));
    expect(lines.at(-1)).toMatch(/^ +1 {2}a1 .*1970-01-01T00:00:00.005Z {2}EXIT_STATUS: exit status 1: locked$/);
  });
});
