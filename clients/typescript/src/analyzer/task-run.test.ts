import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { TaskSpecSchema } from "../contract.ts";
import { HandlerError } from "../errors.ts";
import type { Handler, HandlerContext } from "./handler.ts";
import type { ResultOutcome } from "./held-lease.ts";
import { ProgressLog } from "./progress-log.ts";
import { ReceivedTask } from "./received-task.ts";
import { TaskRun } from "./task-run.ts";

const log = new ProgressLog();

function runOf(): TaskRun {
  const spec = create(TaskSpecSchema, { id: "t1", payload: Buffer.from('{"n":1}') });
  return new TaskRun(new ReceivedTask(spec), 7n, 2, (lease, percent, note) => log.report(lease, percent, note));
}

function outcomeOf(handler: Handler): Promise<ResultOutcome> {
  return new Promise((resolve) => runOf().start(() => handler, 100, resolve));
}

describe("a run", () => {
  it("is over in the same turn when the handler does not wait", () => {
    let outcome: ResultOutcome | undefined;
    runOf().start(
      () => (task) => task.json<{ n: number }>().n + 1,
      100,
      (done) => {
        outcome = done;
      },
    );
    expect(outcome).toMatchObject({
      case: "success",
      value: { output: Buffer.from("2"), contentType: "application/json" },
    });
  });

  it("keeps the stack of an error that is a bug, and what a HandlerError says", async () => {
    const bug = await outcomeOf(() => Promise.reject(new TypeError("x is undefined")));
    expect(bug).toMatchObject({ value: { error: { code: "HANDLER_ERROR", message: "x is undefined" } } });
    expect(bug.case === "failure" && Buffer.from(bug.value.error?.details ?? []).toString()).toContain(
      "task-run.test.ts",
    );
    const said = await outcomeOf(() =>
      Promise.reject(new HandlerError("busy", { code: "B".repeat(99), details: "later" })),
    );
    expect(said).toMatchObject({ value: { error: { code: "B".repeat(64), details: Buffer.from("later") } } });
  });

  it("fails, and does not throw, on what cannot be encoded or was thrown without being an error", async () => {
    expect(await outcomeOf(() => 1n)).toMatchObject({ case: "failure" });
    expect(await outcomeOf(() => Promise.reject("just text"))).toMatchObject({
      value: { error: { message: "just text" } },
    });
    const details = await outcomeOf(() => Promise.reject(new HandlerError("cyclic", { details: 1n })));
    expect(details).toMatchObject({ value: { error: { message: "cyclic" } } });
  });

  it("shows an abort that came before anybody looked at the signal, and only the first", () => {
    const run = runOf();
    run.abort("TIMEOUT");
    run.abort("LEASE_LOST");
    expect(run.signal.reason).toMatchObject({ reason: "TIMEOUT" });
  });

  it("reports progress through a context taken apart, until it is over or aborted", async () => {
    let later: HandlerContext["progress"] | undefined;
    await outcomeOf((_task, { progress }) => {
      later = progress;
      progress(-3);
    });
    expect(log.take()).toMatchObject([{ lease: 7n, percent: 0, note: "" }]);
    later?.(50);
    expect(log.isEmpty).toBe(true);
  });
});
