import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ListTasksInput, TaskInput } from "@sluice/client";
import { type Task, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { describeOnEveryStore, type Stage } from "./every-store.ts";

function names(tasks: readonly Task[]): string[] {
  return tasks.map(({ spec }) => Buffer.from(spec?.payload ?? []).toString());
}

async function listed(stage: Stage, query: ListTasksInput): Promise<string[]> {
  return names((await stage.admin.listTasks(query)).tasks);
}

/** Submits tasks one after the other, named by their payloads. */
async function submit(stage: Stage, tasks: readonly TaskInput[]): Promise<string[]> {
  const emitter = stage.emitter();
  const ids: string[] = [];
  for (const task of tasks) ids.push((await emitter.submit(task)).id);
  return ids;
}

describeOnEveryStore("a list of tasks", (start) => {
  it("is narrowed by queue, state, type and attributes", async () => {
    const stage = await start();
    await submit(stage, [
      { queue: "mail", payload: "a", type: "welcome", attributes: { tenant: "x", tier: "gold" } },
      { queue: "mail", payload: "b", type: "bill", attributes: { tenant: "x" } },
      { queue: "mail", payload: "c", type: "bill", attributes: { tenant: "y" }, delayMs: 60_000 },
      { queue: "sms", payload: "d", type: "bill", attributes: { tenant: "x", tier: "gold" } },
    ]);
    expect(await listed(stage, {})).toEqual(["a", "b", "c", "d"]);
    expect(await listed(stage, { filter: { queue: "mail" } })).toEqual(["a", "b", "c"]);
    expect(await listed(stage, { filter: { states: [TaskState.SCHEDULED] } })).toEqual(["c"]);
    expect(await listed(stage, { filter: { type: "bill" } })).toEqual(["b", "c", "d"]);
    expect(await listed(stage, { filter: { attributes: { tenant: "x" } } })).toEqual(["a", "b", "d"]);
    expect(await listed(stage, { filter: { attributes: { tenant: "x", tier: "gold" } } })).toEqual(["a", "d"]);
    expect(await listed(stage, { filter: { queue: "sms", type: "bill", attributes: { tenant: "y" } } })).toEqual([]);
  });

  it("is narrowed by the time of submission", async () => {
    const stage = await start();
    const ids = await submit(stage, [{ payload: "a" }, { payload: "b", delayMs: 60_000 }, { payload: "c" }]);
    const [, middle] = await Promise.all(ids.map((id) => stage.admin.getTask(id)));
    if (middle?.submitTime === undefined) throw new Error("a task without a time");
    const atMs = timestampMs(middle.submitTime);
    const filter = { submittedFrom: timestampFromMs(atMs), submittedUntil: timestampFromMs(atMs + 1) };
    expect(await listed(stage, { filter })).toContain("b");
    expect(await listed(stage, { filter: { submittedUntil: timestampFromMs(atMs) } })).not.toContain("b");
    expect(await listed(stage, { filter: { submittedFrom: timestampFromMs(atMs + 1) } })).not.toContain("b");
    expect(await listed(stage, { filter: { submittedFrom: timestampFromMs(Date.now() + 60_000) } })).toEqual([]);
  });

  it("goes oldest first, or newest first", async () => {
    const stage = await start();
    await submit(stage, [{ payload: "a" }, { payload: "b" }, { payload: "c" }]);
    expect(await listed(stage, {})).toEqual(["a", "b", "c"]);
    expect(await listed(stage, { newestFirst: true })).toEqual(["c", "b", "a"]);
  });

  it("has the order of what it shows: dispatch, due time, end", async () => {
    const stage = await start();
    await submit(stage, [
      { queue: "q", payload: "low", priority: 1 },
      { queue: "q", payload: "high", priority: 9 },
      { queue: "q", payload: "later", delayMs: 90_000 },
      { queue: "q", payload: "sooner", delayMs: 60_000 },
    ]);
    expect(await listed(stage, { filter: { queue: "q", states: [TaskState.PENDING] } })).toEqual(["high", "low"]);
    const scheduled = { queue: "q", states: [TaskState.SCHEDULED] };
    expect(await listed(stage, { filter: scheduled })).toEqual(["sooner", "later"]);
    const analyzer = await stage.analyzer({ queues: "q", concurrency: 1, handlers: () => {} });
    const completed = { queue: "q", states: [TaskState.COMPLETED] };
    await expect.poll(() => listed(stage, { filter: completed })).toEqual(["high", "low"]);
    await analyzer.close();
  });

  it("has pages whose tokens stay valid while tasks come and go", async () => {
    for (const filter of [{ queue: "q" }, { queue: "q", states: [TaskState.PENDING] }]) {
      const stage = await start();
      const tasks = Array.from({ length: 60 }, (_, index) => ({ queue: "q", payload: `${index}` }));
      const ids = await submit(stage, tasks);
      const seen: string[] = [];
      for (let page = 0, pageToken = ""; page === 0 || pageToken !== ""; page++) {
        const answer = await stage.admin.listTasks({ filter, pageSize: 10, pageToken });
        seen.push(...names(answer.tasks));
        pageToken = answer.nextPageToken;
        // One goes that was shown, perhaps the one that the token stands for; one that was not; and a new one comes.
        const gone = [ids[page * 10 + 9] ?? "", ids[59 - page] ?? ""];
        if (page < 3) {
          await stage.admin.cancelTasks({ ids: gone });
          await stage.admin.purgeTasks({ ids: gone });
          await submit(stage, [{ queue: "q", payload: `new ${page}` }]);
        }
      }
      expect(seen.slice(0, 57)).toEqual(Array.from({ length: 57 }, (_, index) => `${index}`));
      expect(seen.slice(57)).toEqual(["new 0", "new 1", "new 2"]);
    }
  });

  it("refuses a page token that is not its own", async () => {
    const stage = await start();
    await submit(stage, [{ queue: "q" }, { queue: "q" }]);
    const { nextPageToken } = await stage.admin.listTasks({ filter: { queue: "q" }, pageSize: 1 });
    expect(nextPageToken).not.toBe("");
    for (const [pageToken, states] of [
      ["nonsense", []],
      [nextPageToken, [TaskState.PENDING]],
    ] as const) {
      const query = { filter: { queue: "q", states: [...states] }, pageToken };
      await expect(stage.admin.listTasks(query)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: "page_token is not one of this list: start again without it",
      });
    }
  });

  it("has 50 tasks on a page by default and at most 1,000", async () => {
    const stage = await start();
    await stage.emitter().submitMany(Array.from({ length: 1100 }, () => ({ queue: "q" })));
    expect((await stage.admin.listTasks()).tasks).toHaveLength(50);
    expect((await stage.admin.listTasks({ pageSize: 5000 })).tasks).toHaveLength(1000);
    let count = 0;
    for await (const _task of stage.admin.allTasks({ filter: { queue: "q" }, pageSize: 400 })) count += 1;
    expect(count).toBe(1100);
  });

  it("leaves payloads and outputs out of a summary", async () => {
    const stage = await start();
    await submit(stage, [{ queue: "q", payload: "large" }]);
    expect(await listed(stage, { summary: true })).toEqual([""]);
  });
});
