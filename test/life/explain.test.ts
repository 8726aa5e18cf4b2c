import { HandlerError } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { BareAnalyzer } from "./bare-analyzer.ts";
import { DEADLINE_MS, describeOnEveryStore, eventually, type Stage } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

const A_DAY = { initialBackoffMs: 86_400_000, maxBackoffMs: 86_400_000 };

async function taskReasons(stage: Stage, id: string): Promise<string[]> {
  return (await stage.admin.explainTask(id)).reasons;
}

/** Resolves when a reason for the analyzer's idleness matches. */
async function saysOf(stage: Stage, analyzerId: string, reason: string): Promise<void> {
  await eventually(async () => expect(await stage.admin.explainAnalyzer(analyzerId)).toEqual([reason]));
}

describeOnEveryStore("explain says of a task", (start) => {
  it("that nobody serves its queue, or that it is paused", async () => {
    const stage = await start();
    const { id } = await stage.emitter().submit({ queue: "q" });
    expect(await taskReasons(stage, id)).toEqual(["waiting: no analyzer serves queue q"]);
    await stage.admin.pauseQueue("q");
    expect(await taskReasons(stage, id)).toEqual(["waiting: queue q is paused", "waiting: no analyzer serves queue q"]);
  });

  it("that the analyzers have no credit", async () => {
    const stage = await start();
    const jobs = new Jobs();
    const emitter = stage.emitter();
    for (const id of ["a", "b"]) await stage.analyzer({ id, queues: "q", concurrency: 1, handlers: jobs.handler });
    await emitter.submitMany([{ queue: "q" }, { queue: "q" }]);
    await jobs.take(2);
    const { id } = await emitter.submit({ queue: "q" });
    expect(await taskReasons(stage, id)).toEqual(["analyzers a, b: without credit (1 in flight)"]);
  });

  it("until when it is delayed", async () => {
    const stage = await start();
    const notBefore = new Date("2100-01-02T03:04:05.678Z");
    const { id } = await stage.emitter().submit({ queue: "q", notBefore });
    const [reason, ...others] = await taskReasons(stage, id);
    expect(reason).toMatch(/^delayed until 2100-01-02T03:04:05.678Z \(\d+\.\d s from now\)$/);
    expect(others).toEqual([]);
  });

  it("that it runs: where, how long, how far", async () => {
    const stage = await start({ settings: { leaseMs: 300 } });
    const jobs = new Jobs();
    await stage.analyzer({ id: "a", queues: "q", handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    (await jobs.next()).context.progress(50, "half way");
    await eventually(async () => {
      const [reason] = await taskReasons(stage, id);
      expect(reason).toMatch(/^running at analyzer a for \d+\.\d s, 50 % half way$/);
    });
  });

  it("when it is tried again, and after which error", async () => {
    const stage = await start();
    await stage.analyzer({
      queues: "q",
      handlers: () => {
        throw new HandlerError("try me later", { code: "BUSY" });
      },
    });
    const { id } = await stage.emitter().submit({ queue: "q", retry: A_DAY });
    await stage.taskIn(id, TaskState.RETRYING);
    const [reason] = await taskReasons(stage, id);
    expect(reason).toMatch(/^retrying in \d+\.\d s after: BUSY try me later$/);
  });

  it("how it ended", async () => {
    const stage = await start();
    await stage.analyzer({
      id: "a",
      queues: "q",
      handlers: (task) => {
        if (task.text() === "bad") throw new HandlerError("no", { code: "BAD", nonRetryable: true });
      },
    });
    const emitter = stage.emitter();
    const good = await emitter.submit({ queue: "q", payload: "good" });
    const bad = await emitter.submit({ queue: "q", payload: "bad" });
    const cancelled = await emitter.submit({ queue: "nobody" });
    await stage.admin.cancelTasks({ ids: [cancelled.id] });
    await stage.taskIn(good.id, TaskState.COMPLETED);
    await stage.taskIn(bad.id, TaskState.FAILED);
    expect(await taskReasons(stage, good.id)).toEqual(["completed by analyzer a in attempt 1"]);
    expect(await taskReasons(stage, bad.id)).toEqual(["dead letter after 1 attempt, the last with: BAD no"]);
    expect(await taskReasons(stage, cancelled.id)).toEqual(["cancelled"]);
  });

  it("that the node drains, or that it holds dispatch after a restart", async () => {
    const settings = { drainMs: 100, resumeGraceMs: 60_000 };
    const stage = await start({ settings });
    const jobs = new Jobs();
    const analyzer = await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler });
    const emitter = stage.emitter();
    const { id } = await emitter.submit({ queue: "q" });
    await jobs.next();
    await stage.restart("killed", { settings });
    expect((await taskReasons(stage, id))[0]).toBe(
      "waiting: the node restarted and holds dispatch while analyzers return",
    );
    await stage.admin.drainNode();
    expect((await taskReasons(stage, id))[0]).toBe("waiting: the node is draining");
    await analyzer.close();
  });

  it("that it is unknown", async () => {
    const { admin } = await start();
    const id = "00000000-0000-7000-8000-000000000000";
    await expect(admin.explainTask(id)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `no task ${id}: it never was, or its retention has ended`,
    });
  });
});

describeOnEveryStore("explain says of an analyzer", (start) => {
  it("that nothing waits, or its queue is paused", async () => {
    const stage = await start();
    await stage.analyzer({ id: "a", queues: ["q", "r"], handlers: () => {} });
    await stage.admin.pauseQueue("r");
    expect(await stage.admin.explainAnalyzer("a")).toEqual([
      "queue q: idle: nothing waits",
      "queue r: idle: the queue is paused",
    ]);
  });

  it("that it has no credit", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ id: "a", queues: "q", concurrency: 1, handlers: jobs.handler });
    await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    await saysOf(stage, "a", "queue q: without credit (1 in flight)");
  });

  it("that it is ahead of its share", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxLead: 1, holdMs: 60_000 });
    const jobs = new Jobs();
    await stage.analyzer({ id: "a", queues: "q", concurrency: 1, handlers: jobs.handler });
    await stage.analyzer({ id: "b", queues: "q", concurrency: 3, handlers: jobs.handler });
    await stage.emitter().submitMany([{ queue: "q" }, { queue: "q" }, { queue: "q" }, { queue: "q" }]);
    await jobs.take(3);
    await saysOf(stage, "b", "queue q: idle: 1.0 tasks ahead of its share");
  });

  it("that it does not read what it is sent", async () => {
    const stage = await start();
    const bare = new BareAnalyzer(stage.raw(), { analyzerId: "deaf", queues: [{ queue: "q" }], maxInFlight: 9 }, 9);
    await stage.emitter().submitMany(Array.from({ length: 9 }, () => ({ queue: "q", payload: "x".repeat(900_000) })));
    await saysOf(stage, "deaf", "queue q: not reading (its socket is full)");
    bare.break();
  });

  it("that it drains", async () => {
    const stage = await start({ settings: { drainMs: DEADLINE_MS } });
    const jobs = new Jobs();
    await stage.analyzer({ id: "a", queues: "q", drainTimeoutMs: DEADLINE_MS, handlers: jobs.handler });
    await stage.emitter().submit({ queue: "q" });
    const { finish } = await jobs.next();
    await stage.admin.drainAnalyzer("a");
    await saysOf(stage, "a", "queue q: draining");
    finish();
  });

  it("that its stream broke, and then that it is gone", async () => {
    const stage = await start({ settings: { resumeGraceMs: 300 } });
    const line = await stage.line();
    const jobs = new Jobs();
    await stage.analyzer({ id: "a", address: line.address, queues: "q", handlers: jobs.handler });
    await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    await line[Symbol.asyncDispose]();
    await saysOf(stage, "a", "its stream broke; 1 leases wait for its return");
    await saysOf(stage, "a", "gone: it left or was lost");
  });
});
