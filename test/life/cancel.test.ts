import { TaskCancelledError } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { DEADLINE_MS, describeOnEveryStore } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

describeOnEveryStore("cancel", (start) => {
  it("ends waiting tasks at once", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    const failing = await stage.analyzer({ queues: "retries", handlers: () => Promise.reject(new Error("no")) });
    const retry = { initialBackoffMs: 86_400_000, maxBackoffMs: 86_400_000 };
    const handles = await Promise.all([
      emitter.submit({ queue: "q" }),
      emitter.submit({ queue: "q", delayMs: 60_000 }),
      emitter.submit({ queue: "retries", retry }),
    ]);
    const [pending, scheduled, retrying] = handles.map(({ id }) => id);
    await stage.taskIn(pending ?? "", TaskState.PENDING);
    await stage.taskIn(scheduled ?? "", TaskState.SCHEDULED);
    await stage.taskIn(retrying ?? "", TaskState.RETRYING);
    const ids = handles.map(({ id }) => id);
    expect(await stage.admin.cancelTasks({ ids })).toMatchObject({ cancelled: 3, requested: 0, skipped: 0 });
    for (const handle of handles) {
      await expect(handle.result({ timeoutMs: DEADLINE_MS })).rejects.toBeInstanceOf(TaskCancelledError);
    }
    await failing.close();
  });

  it("asks a running task's handler to stop, and the task ends CANCELLED whatever it answers", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const handle = await stage.emitter().submit({ queue: "q" });
    const { context, finish } = await jobs.next();
    const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    expect(await stage.admin.cancelTasks({ ids: [handle.id] })).toMatchObject({ cancelled: 0, requested: 1 });
    await aborted;
    expect(context.signal.reason).toMatchObject({ reason: "CANCELLED" });
    expect((await stage.admin.getTask(handle.id)).state).toBe(TaskState.RUNNING);
    finish("too late to matter");
    await expect(handle.result({ timeoutMs: DEADLINE_MS })).rejects.toBeInstanceOf(TaskCancelledError);
    expect(await stage.admin.getTask(handle.id)).toMatchObject({ state: TaskState.CANCELLED, attempts: 0 });
  });

  it("ends a running task when its lease ends, if the handler never answers", async () => {
    const stage = await start({ settings: { resumeGraceMs: 30 } });
    const line = await stage.line();
    const jobs = new Jobs();
    await stage.analyzer({ address: line.address, queues: "q", handlers: jobs.handler });
    const handle = await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    expect(await stage.admin.cancelTasks({ ids: [handle.id] })).toMatchObject({ requested: 1 });
    await line[Symbol.asyncDispose]();
    await stage.taskIn(handle.id, TaskState.CANCELLED);
  });

  it("takes a filter, and goes on in steps of 1,000", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submitMany(Array.from({ length: 2500 }, () => ({ queue: "q", type: "old" })));
    const kept = await emitter.submit({ queue: "q", type: "new" });
    const steps: [cancelled: number, more: boolean][] = [];
    for (let more = true; more; ) {
      const answer = await stage.admin.cancelTasks({ filter: { queue: "q", type: "old" } });
      steps.push([answer.cancelled, answer.more]);
      ({ more } = answer);
    }
    expect(steps).toEqual([
      [1000, true],
      [1000, true],
      [500, false],
    ]);
    expect((await stage.admin.getTask(kept.id)).state).toBe(TaskState.PENDING);
  });

  it("must name ids or a queue", async () => {
    const { admin } = await start();
    await expect(admin.cancelTasks({ ids: [] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(admin.cancelTasks({ filter: { type: "t" } })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "selection.filter must name a queue",
    });
  });

  it("passes over tasks that have ended or are unknown", async () => {
    const stage = await start();
    const handle = await stage.emitter().submit({ queue: "q" });
    const unknown = "00000000-0000-7000-8000-000000000000";
    await stage.admin.cancelTasks({ ids: [handle.id] });
    expect(await stage.admin.cancelTasks({ ids: [handle.id, unknown] })).toMatchObject({ cancelled: 0, skipped: 2 });
  });

  it("can be taken back by a retry", async () => {
    const stage = await start();
    const handle = await stage.emitter().submit({ queue: "q" });
    await stage.admin.cancelTasks({ ids: [handle.id] });
    expect(await stage.admin.retryTasks({ ids: [handle.id] })).toMatchObject({ retried: 1 });
    await stage.analyzer({ queues: "q", handlers: () => "after all" });
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("after all");
  });
});
