import { timestampMs } from "@bufbuild/protobuf/wkt";
import { HandlerError, type TaskInput } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { describeOnEveryStore, eventually, type Stage } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

const DEAD = { queue: "q", states: [TaskState.FAILED] };

/** Dead letters, made by a handler that knows no mercy. Returns their ids. */
async function deadLetters(stage: Stage, count: number, input: TaskInput = {}): Promise<string[]> {
  const emitter = stage.emitter();
  const killer = await stage.analyzer({
    id: "killer",
    queues: "q",
    handlers: () => {
      throw new HandlerError("hopeless", { code: "HOPELESS", nonRetryable: true });
    },
  });
  const handles = await Promise.all(Array.from({ length: count }, () => emitter.submit({ queue: "q", ...input })));
  for (const { id } of handles) await stage.taskIn(id, TaskState.FAILED);
  await killer.close();
  return handles.map(({ id }) => id);
}

async function counts(stage: Stage) {
  const [queue] = (await stage.admin.stats("q")).queues;
  return queue?.counts;
}

describeOnEveryStore("dead letters", (start) => {
  it("are listed and can be inspected", async () => {
    const stage = await start();
    const ids = await deadLetters(stage, 3, { payload: "4711" });
    const listed = (await stage.admin.listTasks({ filter: DEAD })).tasks;
    expect(listed.map(({ spec }) => spec?.id).sort()).toEqual([...ids].sort());
    const task = await stage.admin.getTask(ids[0] ?? "");
    expect(Buffer.from(task.spec?.payload ?? []).toString()).toBe("4711");
    expect(task).toMatchObject({
      attempts: 1,
      analyzerId: "killer",
      error: { code: "HOPELESS", message: "hopeless" },
      history: [{ number: 1, analyzerId: "killer", error: { code: "HOPELESS" } }],
    });
    expect(await counts(stage)).toMatchObject({ failed: 3, pending: 0 });
  });

  it("are redriven one by one, with fresh attempts and their history", async () => {
    const stage = await start();
    const [id = "", other = ""] = await deadLetters(stage, 2);
    expect(await stage.admin.retryTasks({ ids: [id] })).toMatchObject({ retried: 1, skipped: 0, more: false });
    expect(await stage.admin.getTask(id)).toMatchObject({
      state: TaskState.PENDING,
      attempts: 0,
      history: [{ error: { code: "HOPELESS" } }],
    });
    expect((await stage.admin.getTask(other)).state).toBe(TaskState.FAILED);
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const { task, context, finish } = await jobs.next();
    expect([task.id, context.attempt]).toEqual([id, 1]);
    finish("mended");
    await stage.taskIn(id, TaskState.COMPLETED);
  });

  it("are redriven by filter", async () => {
    const stage = await start();
    await deadLetters(stage, 2, { type: "mail" });
    await deadLetters(stage, 3, { type: "bill" });
    const filter = { queue: "q", type: "bill" };
    expect(await stage.admin.retryTasks({ filter })).toMatchObject({ retried: 3, more: false });
    expect(await counts(stage)).toMatchObject({ pending: 3, failed: 2 });
  });

  it("of a whole queue are redriven in steps of a limit", async () => {
    const stage = await start();
    await deadLetters(stage, 5);
    const steps: [retried: number, more: boolean][] = [];
    for (let more = true; more; ) {
      const answer = await stage.admin.retryTasks({ filter: { queue: "q" } }, { limit: 2 });
      steps.push([answer.retried, answer.more]);
      ({ more } = answer);
    }
    expect(steps).toEqual([
      [2, true],
      [2, true],
      [1, false],
    ]);
    expect(await counts(stage)).toMatchObject({ pending: 5, failed: 0 });
  });

  it("are redriven at a limited rate", async () => {
    const stage = await start();
    await deadLetters(stage, 6);
    const fromMs = Date.now();
    expect(await stage.admin.retryTasks({ filter: { queue: "q" } }, { ratePerSecond: 20 })).toMatchObject({
      retried: 6,
    });
    const waiting = await stage.admin.listTasks({ filter: { queue: "q", states: [TaskState.SCHEDULED] } });
    const due = waiting.tasks.map(({ dueTime }) => (dueTime === undefined ? 0 : timestampMs(dueTime)));
    for (const [index, dueMs] of due.entries()) if (index > 0) expect(dueMs - (due[index - 1] ?? 0)).toBe(50);
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 6, handlers: jobs.handler });
    const starts = (await jobs.take(6)).map(({ startMs }) => startMs - fromMs);
    // The i-th is due i / 20 s after the call.
    for (const [index, startMs] of starts.entries()) expect(startMs).toBeGreaterThanOrEqual(index * 50);
  });

  it("are purged for good", async () => {
    const stage = await start();
    const [id = ""] = await deadLetters(stage, 3);
    const waiting = await stage.emitter().submit({ queue: "q" });
    expect(await stage.admin.purgeTasks({ ids: [id, waiting.id] })).toMatchObject({ purged: 1, skipped: 1 });
    await expect(stage.admin.getTask(id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await stage.admin.purgeTasks({ filter: DEAD })).toMatchObject({ purged: 2, more: false });
    expect(await counts(stage)).toMatchObject({ failed: 0, pending: 1 });
  });

  it("have a retention of their own", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { retentionCount: 0, deadRetentionCount: 2 });
    const ids = await deadLetters(stage, 4);
    await eventually(async () => expect(await counts(stage)).toMatchObject({ failed: 2 }));
    const kept = (await stage.admin.listTasks({ filter: DEAD })).tasks.map(({ spec }) => spec?.id);
    expect(kept.every((id) => id !== undefined && ids.includes(id))).toBe(true);
    await stage.admin.setQueue("q", { deadRetentionMs: 1 });
    await eventually(async () => expect(await counts(stage)).toMatchObject({ failed: 0 }));
  });
});
