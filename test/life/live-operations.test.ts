import { DistributorService } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { DEADLINE_MS, describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

const { submit: SUBMIT } = DistributorService.method;

function* endlessTasks(stop: AbortSignal) {
  while (!stop.aborted) yield { queue: "q" };
}

describeOnEveryStore("an operator", (start) => {
  it("changes weights from 1:1 to 3:1 during a run: the next 1,000 tasks are shared 75 to 25 within 2 points", async () => {
    const stage = await start();
    const order: string[] = [];
    for (const id of ["a", "b"]) {
      await stage.analyzer({ id, queues: "q", weight: 1, concurrency: 500, handlers: () => void order.push(id) });
    }
    const stop = new AbortController();
    // Small batches, so that few tasks are on their way at the moment of the change.
    const emitter = stage.emitter({ maxBatchTasks: 30, maxBufferedTasks: 60, maxInFlightBatches: 1 });
    const run = emitter.submitMany(endlessTasks(stop.signal));
    const partOfA = (from: number): number => order.slice(from, from + 1000).filter((id) => id === "a").length / 1000;
    await eventually(() => expect(order.length).toBeGreaterThanOrEqual(1000));
    const changed = await stage.admin.setWeight("a", 3);
    const at = order.length;
    expect(changed.weight).toBe(3);
    await eventually(() => expect(order.length).toBeGreaterThanOrEqual(at + 1000));
    stop.abort();
    await run;
    expect(Math.abs(partOfA(0) - 0.5)).toBeLessThanOrEqual(0.02);
    expect(Math.abs(partOfA(at) - 0.75)).toBeLessThanOrEqual(0.02);
    const [queue] = (await stage.admin.stats("q")).queues;
    expect(queue?.shares.map(({ weight, expected }) => [weight, expected])).toEqual([
      [3, 0.75],
      [1, 0.25],
    ]);
  });

  it("drains an analyzer: it finishes what it has and leaves, the others go on", async () => {
    const stage = await start({ settings: { drainMs: DEADLINE_MS } });
    const jobs = new Jobs();
    const options = { queues: "q", concurrency: 2, drainTimeoutMs: DEADLINE_MS };
    const leaving = await stage.analyzer({ ...options, id: "leaving", handlers: jobs.handler });
    const emitter = stage.emitter();
    const handles = [await emitter.submit({ queue: "q" }), await emitter.submit({ queue: "q" })];
    const held = await jobs.take(2);
    expect((await stage.admin.drainAnalyzer("leaving")).state).toBe(2);
    const others = new Jobs();
    await stage.analyzer({ ...options, id: "other", handlers: others.handler });
    await emitter.submit({ queue: "q" });
    (await others.next()).finish();
    for (const { finish } of held) finish("finished");
    await leaving.closed;
    for (const handle of handles) expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("finished");
    await expect(stage.admin.drainAnalyzer("leaving")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(jobs.waiting).toBe(0);
  });

  it("drains the node: running tasks are finished, new ones refused", async () => {
    const stage = await start({ settings: { drainMs: DEADLINE_MS } });
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const handle = await stage.emitter().submit({ queue: "q" });
    const job = await jobs.next();
    await stage.admin.drainNode();
    await eventually(async () => expect((await stage.admin.stats()).node?.draining).toBe(true));
    const refused = await stage.raw().refusal(SUBMIT, { task: { queue: "q" } });
    expect(refused).toBe("UNAVAILABLE: this node is stopping: submit to another or try again");
    job.finish("finished in time");
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("finished in time");
    await eventually(async () => expect((await stage.admin.stats()).node).toMatchObject({ leases: 0, sessions: 0 }));
  });

  it("lists analyzers with share, lead, credit, leases, last frame, version and labels", async () => {
    const stage = await start({ settings: { leaseMs: 60_000 } });
    const jobs = new Jobs();
    const fromMs = performance.now();
    await stage.analyzer({
      id: "a",
      queues: ["q", "r"],
      weight: 3,
      concurrency: 4,
      version: "1.2.3",
      labels: { zone: "east" },
      handlers: jobs.handler,
    });
    await stage.analyzer({ id: "b", queues: "q", weight: 1, concurrency: 1, handlers: jobs.handler });
    await stage.emitter().submitMany([{ queue: "q" }, { queue: "q" }, { queue: "q" }, { queue: "q" }]);
    await jobs.take(4);
    const [a, b] = await stage.admin.analyzers();
    expect(a).toMatchObject({
      id: "a",
      state: 1,
      weight: 3,
      credit: 1,
      inFlight: 3,
      maxInFlight: 4,
      writable: true,
      version: "1.2.3",
      labels: { zone: "east" },
      queues: ["q", "r"],
      peer: expect.stringContaining("127.0.0.1"),
      delivered: 3,
      completed: 0,
      failed: 0,
    });
    expect(b).toMatchObject({ id: "b", credit: 0, inFlight: 1, maxInFlight: 1, delivered: 1 });
    expect(a?.lastFrameMs).toBeLessThanOrEqual(performance.now() - fromMs);
    expect(await stage.admin.analyzers("r")).toMatchObject([{ id: "a" }]);
    const [queue] = (await stage.admin.stats("q")).queues;
    expect(queue?.shares).toMatchObject([
      { analyzerId: "a", weight: 3, expected: 0.75, observed: expect.closeTo(0.75, 2), delivered: 3 },
      { analyzerId: "b", weight: 1, expected: 0.25, observed: expect.closeTo(0.25, 2), delivered: 1 },
    ]);
    for (const { lead } of queue?.shares ?? []) expect(Math.abs(lead)).toBeLessThanOrEqual(1);
  });

  it("is told when an analyzer is not there", async () => {
    const { admin } = await start();
    for (const call of [admin.setWeight("nobody", 2), admin.drainAnalyzer("nobody"), admin.explainAnalyzer("nobody")]) {
      await expect(call).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });

  it("sees the totals of a queue grow", async () => {
    const stage = await start();
    await stage.analyzer({
      queues: "q",
      handlers: (task, { attempt }) => {
        if (task.text() === "flaky" && attempt === 1) throw new Error("once");
      },
    });
    const emitter = stage.emitter();
    const retry = { initialBackoffMs: 1, maxBackoffMs: 1 };
    const handles = [
      await emitter.submit({ queue: "q", payload: "good" }),
      await emitter.submit({ queue: "q", payload: "flaky", retry }),
    ];
    for (const handle of handles) await handle.result({ timeoutMs: DEADLINE_MS });
    expect((await stage.admin.stats("q")).queues[0]?.totals).toMatchObject({
      submitted: 2,
      delivered: 3,
      completed: 2,
      retried: 1,
      failed: 0,
    });
  });
});
