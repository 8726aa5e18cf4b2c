import type { TaskInput } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { describeOnEveryStore, type Stage } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

/** Works on all tasks, one at a time, and says in which order they came. */
async function orderOf(stage: Stage, count: number): Promise<string[]> {
  const jobs = new Jobs();
  await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler });
  const order: string[] = [];
  while (order.length < count) {
    const { task, finish } = await jobs.next();
    order.push(task.text());
    finish();
  }
  return order;
}

describeOnEveryStore("priority", (start) => {
  it("is strict from 9 down to 0, with the order of submission inside of each", async () => {
    const stage = await start();
    const priorities = [3, 9, 0, 5, 1, 8, 2, 7, 4, 6];
    const tasks = ["first", "second", "third"].flatMap((round) =>
      priorities.map((priority): TaskInput => ({ queue: "q", priority, payload: `${priority} ${round}` })),
    );
    await stage.emitter({ maxInFlightBatches: 1 }).submitMany(tasks);
    const expected = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((priority) =>
      ["first", "second", "third"].map((round) => `${priority} ${round}`),
    );
    expect(await orderOf(stage, 30)).toEqual(expected);
  });

  it("is 4 for a task that names none", async () => {
    const stage = await start();
    const tasks: TaskInput[] = [
      { queue: "q", payload: "3", priority: 3 },
      { queue: "q", payload: "none" },
      { queue: "q", payload: "5", priority: 5 },
      { queue: "q", payload: "4", priority: 4 },
    ];
    await stage.emitter({ maxInFlightBatches: 1 }).submitMany(tasks);
    expect(await orderOf(stage, 4)).toEqual(["5", "none", "4", "3"]);
  });

  it("above 9 is refused", async () => {
    const submit = (await start()).emitter().submit({ queue: "q", priority: 10 });
    await expect(submit).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: "priority must be 0 to 9" });
  });

  it("of a task that arrives late lets it pass those that wait", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submitMany(["a", "b"].map((payload) => ({ queue: "q", payload })));
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler });
    const first = await jobs.next();
    await emitter.submit({ queue: "q", payload: "urgent", priority: 9 });
    first.finish();
    expect((await jobs.next()).task.text()).toBe("urgent");
  });

  it("and place are kept by a task that is tried again", async () => {
    const stage = await start();
    const emitter = stage.emitter({ maxInFlightBatches: 1 });
    const retry = { initialBackoffMs: 1, maxBackoffMs: 1 };
    const handles = await Promise.all(["a", "b", "c"].map((payload) => emitter.submit({ queue: "q", payload, retry })));
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 1, handlers: jobs.handler });
    (await jobs.next()).fail(new Error("not yet"));
    const b = await jobs.next();
    await stage.taskIn(handles[0]?.id ?? "", TaskState.PENDING);
    b.finish();
    expect((await jobs.next()).task.text()).toBe("a");
  });
});
