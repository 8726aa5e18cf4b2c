import { expect, it } from "vitest";
import { describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

describeOnEveryStore("the scaling of a queue", (start) => {
  it("tells what waits and runs, the rates, and how many analyzers are wanted for a wait", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 2, handlers: jobs.handler });
    await stage.emitter().submitMany(Array.from({ length: 50 }, () => ({ queue: "q" })));
    await jobs.take(2);
    // What runs without an end is taken for longer and longer, and more places are wanted.
    await eventually(async () => {
      const scaling = await stage.admin.scaling("q", 100);
      expect(scaling).toMatchObject({ queue: "q", waiting: 48, running: 2, analyzers: 1, targetWaitMs: 100 });
      expect(scaling.runMs).toBeGreaterThan(0);
      expect(scaling.arrivalRate).toBeGreaterThan(1);
      expect(scaling.analyzersWanted).toBeGreaterThan(20);
    });
  });

  it("never wants nobody while something runs or waits", async () => {
    const stage = await start();
    expect(await stage.admin.scaling("q")).toMatchObject({ analyzersWanted: 0, targetWaitMs: 30_000 });
    await stage.emitter().submit({ queue: "q" });
    expect(await stage.admin.scaling("q")).toMatchObject({ waiting: 1, running: 0, analyzersWanted: 1 });
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    await jobs.next();
    expect(await stage.admin.scaling("q")).toMatchObject({ waiting: 0, running: 1, analyzersWanted: 1 });
  });
});
