import { HandlerError } from "@sluice/client";
import { type Task, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { DEADLINE_MS, describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

describeOnEveryStore("a restart of the node", (start) => {
  it("keeps every task as it was", async () => {
    const stage = await start();
    const worker = await stage.analyzer({
      id: "a1",
      queues: "work",
      handlers: (task) => {
        if (task.type === "bad") throw new HandlerError("no", { code: "BAD", nonRetryable: true });
        if (task.type === "flaky") throw new Error("not yet");
        return "done";
      },
    });
    const emitter = stage.emitter();
    const retry = { initialBackoffMs: 86_400_000, maxBackoffMs: 86_400_000 };
    const wanted = [
      [await emitter.submit({ queue: "work" }), TaskState.COMPLETED],
      [await emitter.submit({ queue: "work", type: "bad" }), TaskState.FAILED],
      [await emitter.submit({ queue: "work", type: "flaky", retry }), TaskState.RETRYING],
      [await emitter.submit({ queue: "idle", delayMs: 60_000 }), TaskState.SCHEDULED],
      [await emitter.submit({ queue: "idle" }), TaskState.PENDING],
      [await emitter.submit({ queue: "idle" }), TaskState.CANCELLED],
    ] as const;
    await stage.admin.cancelTasks({ ids: [wanted[5][0].id] });
    const before: Task[] = [];
    for (const [{ id }, state] of wanted) before.push(await stage.taskIn(id, state));
    const queues = (await stage.admin.queues()).map(({ name, settings, counts }) => ({ name, settings, counts }));
    await worker.close();
    await stage.restart("closed");
    for (const task of before) expect(await stage.admin.getTask(task.spec?.id ?? "")).toEqual(task);
    const after = (await stage.admin.queues()).map(({ name, settings, counts }) => ({ name, settings, counts }));
    expect(after).toEqual(queues);
    expect((await stage.admin.stats()).node?.epoch).toBe(2);
  });

  it("keeps the order of dispatch", async () => {
    const stage = await start();
    const inputs = [3, 9, 3, 0, 9].map((priority, index) => ({ queue: "q", priority, payload: `${index}` }));
    await stage.emitter({ maxInFlightBatches: 1 }).submitMany(inputs);
    await stage.restart("closed");
    await stage.emitter().submit({ queue: "q", priority: 9, payload: "5" });
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler });
    const order: string[] = [];
    while (order.length < 6) {
      const { task, finish } = await jobs.next();
      order.push(task.text());
      finish();
    }
    expect(order).toEqual(["1", "4", "5", "0", "2", "3"]);
  });

  for (const [name, how] of [
    ["in good order charges no attempt", "closed"],
    ["after a kill charges no attempt", "killed"],
  ] as const) {
    it(name, async () => {
      const stage = await start({ settings: { drainMs: 50, resumeGraceMs: 100 } });
      const jobs = new Jobs();
      const analyzer = await stage.analyzer({ queues: "q", handlers: jobs.handler });
      const handle = await stage.emitter().submit({ queue: "q" });
      await jobs.next();
      await stage.restart(how);
      await analyzer.close();
      expect(await stage.taskIn(handle.id, TaskState.PENDING)).toMatchObject({ attempts: 0, history: [] });
      await stage.analyzer({ queues: "q", handlers: jobs.handler });
      const again = await jobs.next();
      expect(again.context.attempt).toBe(1);
      again.finish();
      expect(await stage.taskIn(handle.id, TaskState.COMPLETED)).toMatchObject({ attempts: 0, history: [] });
    });
  }

  it("after a kill leaves running tasks with the analyzers that return", async () => {
    const stage = await start({ settings: { resumeGraceMs: 5000 } });
    const line = await stage.line();
    const jobs = new Jobs();
    const analyzer = await stage.analyzer({ address: line.address, queues: "q", handlers: jobs.handler });
    const emitter = stage.emitter({ address: line.address });
    const handle = await emitter.submit({ queue: "q" });
    const result = handle.result({ timeoutMs: DEADLINE_MS });
    const job = await jobs.next();
    await stage.restart("killed");
    await eventually(() => expect(analyzer.stats).toMatchObject({ attached: true }));
    expect(await stage.taskIn(handle.id, TaskState.RUNNING)).toMatchObject({ analyzerId: analyzer.id });
    job.finish("one run");
    expect((await result).text()).toBe("one run");
    expect(await stage.admin.getTask(handle.id)).toMatchObject({ attempts: 0, history: [] });
    expect(analyzer.stats).toMatchObject({ delivered: 1, lost: 0 });
  });

  it("after a kill keeps the wish to cancel a running task", async () => {
    const stage = await start({ settings: { resumeGraceMs: 100 } });
    const jobs = new Jobs();
    const analyzer = await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    expect(await stage.admin.cancelTasks({ ids: [id] })).toMatchObject({ requested: 1 });
    await stage.restart("killed");
    await analyzer.close();
    await stage.taskIn(id, TaskState.CANCELLED);
  });

  it("lets an emitter submit again what it does not know the outcome of, and adds nothing twice", async () => {
    const stage = await start();
    const line = await stage.line();
    const emitter = stage.emitter({ address: line.address });
    const id = "01890000-0000-7000-8000-000000000001";
    expect((await emitter.submit({ id, queue: "q", payload: "x" })).duplicate).toBe(false);
    await stage.restart("killed");
    expect((await emitter.submit({ id, queue: "q", payload: "x" })).duplicate).toBe(true);
    await expect(emitter.submit({ id, queue: "q", payload: "y" })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect((await stage.admin.stats("q")).queues[0]?.counts).toMatchObject({ pending: 1 });
  });
});
