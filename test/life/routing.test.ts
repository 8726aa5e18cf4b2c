import { TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

function tasks(queue: string, count: number) {
  return Array.from({ length: count }, () => ({ queue }));
}

/** Works on the next tasks, one at a time, and counts them by queue. */
async function serve(jobs: Jobs, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let served = 0; served < count; served++) {
    const { task, finish } = await jobs.next();
    counts[task.queue] = (counts[task.queue] ?? 0) + 1;
    finish();
  }
  return counts;
}

describeOnEveryStore("routing", (start) => {
  it("gives an analyzer only tasks of the queues that it names", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    const other = await emitter.submit({ queue: "sms", priority: 9 });
    await emitter.submitMany([...tasks("mail", 20), ...tasks("sms", 5)]);
    const jobs = new Jobs();
    await stage.analyzer({ queues: ["mail", "push"], concurrency: 1, handlers: jobs.handler });
    expect(await serve(jobs, 20)).toEqual({ mail: 20 });
    await eventually(async () =>
      expect((await stage.admin.stats("mail")).queues[0]?.counts).toMatchObject({ completed: 20 }),
    );
    expect((await stage.admin.getTask(other.id)).state).toBe(TaskState.PENDING);
  });

  it("shares an analyzer between its queues by their weights in its hello", async () => {
    const stage = await start();
    await stage.emitter().submitMany([...tasks("a", 100), ...tasks("b", 100)]);
    const jobs = new Jobs();
    const queues = [
      { queue: "a", weight: 3 },
      { queue: "b", weight: 1 },
    ];
    await stage.analyzer({ queues, concurrency: 1, handlers: jobs.handler });
    const { a = 0, b = 0 } = await serve(jobs, 80);
    expect(Math.abs(a - 60)).toBeLessThanOrEqual(1);
    expect(a + b).toBe(80);
  });

  it("starves no queue, however small its weight", async () => {
    const stage = await start();
    await stage.emitter().submitMany([...tasks("large", 400), ...tasks("small", 10), ...tasks("tiny", 10)]);
    const jobs = new Jobs();
    const queues = [
      { queue: "large", weight: 100 },
      { queue: "small", weight: 10 },
      { queue: "tiny", weight: 1 },
    ];
    await stage.analyzer({ queues, concurrency: 1, handlers: jobs.handler });
    const { small = 0, tiny = 0 } = await serve(jobs, 222);
    expect(Math.abs(small - 10)).toBeLessThanOrEqual(1);
    expect(Math.abs(tiny - 2)).toBeLessThanOrEqual(1);
  });

  it("gives a queue that was idle its turn at once", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submitMany(tasks("busy", 100));
    const jobs = new Jobs();
    await stage.analyzer({ queues: ["busy", "idle"], concurrency: 1, handlers: jobs.handler });
    await serve(jobs, 30);
    await emitter.submitMany(tasks("idle", 20));
    // The task under way when it came, and one in turn.
    expect((await serve(jobs, 4))["idle"]).toBeGreaterThanOrEqual(1);
    // It is owed nothing for the time when it had no work.
    expect((await serve(jobs, 20))["idle"]).toBeLessThanOrEqual(11);
  });

  it("gives analyzers with the weights 0.4, 0.3, 0.2, 0.1 these parts of 1,000 tasks", async () => {
    const stage = await start();
    await stage.admin.pauseQueue("q");
    const counts = new Map<string, number>();
    const weights = { a: 0.4, b: 0.3, c: 0.2, d: 0.1 };
    for (const [id, weight] of Object.entries(weights)) {
      const handlers = () => void counts.set(id, (counts.get(id) ?? 0) + 1);
      await stage.analyzer({ id, queues: "q", weight, concurrency: 1000, handlers });
    }
    await stage.emitter().submitMany(tasks("q", 1000));
    await stage.admin.resumeQueue("q");
    await eventually(async () =>
      expect((await stage.admin.stats("q")).queues[0]?.counts).toMatchObject({ completed: 1000 }),
    );
    // Rule R2 of the share: at most 1 ahead, at most 3 (the others) times its part behind.
    for (const [id, weight] of Object.entries(weights)) {
      expect(Math.abs((counts.get(id) ?? 0) - 1000 * weight)).toBeLessThanOrEqual(1.2);
    }
  });
});
