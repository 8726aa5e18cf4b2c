import { HandlerError } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { DEADLINE_MS, describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

describeOnEveryStore("results", (start) => {
  it("are bytes with a content type", async () => {
    const stage = await start();
    const answers: Record<string, unknown> = {
      bytes: Uint8Array.of(0, 255, 1),
      text: "größe",
      json: { n: [1, null] },
      nothing: undefined,
    };
    await stage.analyzer({ queues: "q", handlers: (task) => answers[task.type] });
    const emitter = stage.emitter();
    const outcomeOf = async (type: string) => {
      const outcome = await (await emitter.submit({ queue: "q", type })).result({ timeoutMs: DEADLINE_MS });
      return [Buffer.from(outcome.output).toString("latin1"), outcome.contentType];
    };
    expect(await outcomeOf("bytes")).toEqual(["\x00\xff\x01", "application/octet-stream"]);
    expect(await outcomeOf("text")).toEqual([Buffer.from("größe").toString("latin1"), "text/plain; charset=utf-8"]);
    expect(await outcomeOf("json")).toEqual(['{"n":[1,null]}', "application/json"]);
    expect(await outcomeOf("nothing")).toEqual(["", ""]);
  });

  it("are kept with the task: who returned them, when, in which attempt", async () => {
    const stage = await start();
    await stage.analyzer({ id: "a1", queues: "q", handlers: () => "done" });
    const { id } = await stage.emitter().submit({ queue: "q" });
    const task = await stage.taskIn(id, TaskState.COMPLETED);
    expect(task).toMatchObject({ analyzerId: "a1", attempts: 0, result: { contentType: "text/plain; charset=utf-8" } });
    const times = [task.submitTime, task.startTime, task.endTime].map((time) =>
      time === undefined ? Number.NaN : Number(time.seconds) * 1000 + time.nanos / 1e6,
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("may have 1 MiB and not a byte more", async () => {
    const stage = await start();
    await stage.analyzer({
      queues: "q",
      maxOutputBytes: 2 ** 21,
      handlers: (task) => new Uint8Array(Number(task.text())),
    });
    const emitter = stage.emitter();
    const largest = await emitter.submit({ queue: "q", payload: `${2 ** 20}` });
    expect((await largest.result({ timeoutMs: DEADLINE_MS })).output).toHaveLength(2 ** 20);
    const larger = await emitter.submit({ queue: "q", payload: `${2 ** 20 + 1}` });
    await expect(larger.result({ timeoutMs: DEADLINE_MS })).rejects.toMatchObject({
      error: { code: "RESULT_TOO_LARGE" },
      task: { attempts: 1 },
    });
  });

  it("of many tasks are waited for on one stream, as they come", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    const handles = await Promise.all(
      Array.from({ length: 999 }, (_, index) => emitter.submit({ queue: "q", payload: `${index}` })),
    );
    const unknown = "00000000-0000-7000-8000-000000000000";
    await stage.analyzer({
      queues: "q",
      concurrency: 50,
      handlers: (task) => {
        if (Number(task.text()) % 3 === 0) throw new HandlerError("odd one out", { nonRetryable: true });
        return task.text();
      },
    });
    const endings = new Map<string, string>();
    const ids = [...handles.map(({ id }) => id), unknown];
    for await (const { id, task } of stage.admin.waitTasks(ids, AbortSignal.timeout(DEADLINE_MS))) {
      expect(endings.has(id)).toBe(false);
      endings.set(id, task === undefined ? "unknown" : `${task.state}`);
    }
    expect(endings.size).toBe(1000);
    expect(endings.get(unknown)).toBe("unknown");
    expect([...endings.values()].filter((state) => state === `${TaskState.FAILED}`)).toHaveLength(333);
    expect([...endings.values()].filter((state) => state === `${TaskState.COMPLETED}`)).toHaveLength(666);
  });

  it("are waited for as long as the caller says, and the task goes on", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const handle = await stage.emitter().submit({ queue: "q" });
    const job = await jobs.next();
    const fromMs = performance.now();
    await expect(handle.result({ timeoutMs: 60 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(59);
    job.finish("there you are");
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("there you are");
  });

  it("are gone with their retention: the newest are kept, by number", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { retentionCount: 3 });
    await stage.analyzer({ queues: "q", concurrency: 1, handlers: () => "done" });
    const emitter = stage.emitter({ maxInFlightBatches: 1 });
    const handles = await Promise.all(Array.from({ length: 10 }, () => emitter.submit({ queue: "q" })));
    await stage.taskIn(handles[9]?.id ?? "", TaskState.COMPLETED);
    const filter = { queue: "q", states: [TaskState.COMPLETED] };
    await eventually(async () => {
      const { tasks } = await stage.admin.listTasks({ filter });
      expect(tasks.map(({ spec }) => spec?.id)).toEqual(handles.slice(7).map(({ id }) => id));
    });
    await expect(handles[0]?.result({ timeoutMs: DEADLINE_MS })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("are gone with their retention: by age", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { retentionMs: 1 });
    await stage.analyzer({ queues: "q", handlers: () => "done" });
    const handle = await stage.emitter().submit({ queue: "q" });
    await eventually(() => expect(stage.admin.getTask(handle.id)).rejects.toMatchObject({ code: "NOT_FOUND" }));
  });
});

describeOnEveryStore("progress", (start) => {
  it("of a handler is seen in get, list, stats and watch", async () => {
    // A third of the lease time is between two heartbeats, which carry progress.
    const stage = await start({ settings: { leaseMs: 300 } });
    const jobs = new Jobs();
    await stage.analyzer({ id: "a1", queues: "q", handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    const { context, finish } = await jobs.next();
    context.progress(40, "page 2 of 5");
    const progress = { lease: context.lease, percent: 40, note: "page 2 of 5" };
    await eventually(async () => expect((await stage.admin.getTask(id)).progress).toMatchObject(progress));
    const listed = await stage.admin.listTasks({ filter: { states: [TaskState.RUNNING] } });
    expect(listed.tasks).toMatchObject([{ progress }]);
    expect((await stage.admin.stats()).analyzers).toMatchObject([{ id: "a1", progress: [progress] }]);
    for await (const { analyzers } of stage.admin.watchStats({ signal: AbortSignal.timeout(DEADLINE_MS) })) {
      expect(analyzers).toMatchObject([{ progress: [progress] }]);
      break;
    }
    finish();
    expect((await stage.taskIn(id, TaskState.COMPLETED)).progress).toBeUndefined();
  });
});
