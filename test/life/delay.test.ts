import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Task, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { describeOnEveryStore } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

/** How late a delayed task may be while the node is up. */
const MAX_LATE_MS = 50;
/** The bound is of the node, not of a machine that is busy with other tests: one good try of five shows it. */
const TIMED = { retry: 4 };

function dueMs(task: Task): number {
  if (task.dueTime === undefined) throw new Error("the task waits for no time");
  return timestampMs(task.dueTime);
}

describeOnEveryStore("a delayed task", (start) => {
  it("is never early, and at most 50 ms late", TIMED, async () => {
    const stage = await start();
    const emitter = stage.emitter();
    const jobs = new Jobs();
    const offsets = [0, 20, 50, 50, 90, 130, 180, 240, 310, 360];
    await stage.analyzer({ queues: "q", concurrency: offsets.length, handlers: jobs.handler });
    const fromMs = Date.now() + 150;
    await emitter.submitMany(offsets.map((offset) => ({ queue: "q", notBefore: new Date(fromMs + offset) })));
    for (const { task, startMs } of await jobs.take(offsets.length)) {
      const lateMs = startMs - (task.notBefore?.getTime() ?? 0);
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(MAX_LATE_MS);
    }
  });

  it("counts its delay from the moment when the node accepts it", TIMED, async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const beforeMs = Date.now();
    await stage.emitter().submit({ queue: "q", delayMs: 150 });
    const acceptedMs = Date.now();
    const { startMs } = await jobs.next();
    expect(startMs - beforeMs).toBeGreaterThanOrEqual(150);
    expect(startMs - acceptedMs).toBeLessThanOrEqual(150 + MAX_LATE_MS);
  });

  it("runs at once when its time has passed", async () => {
    const stage = await start();
    const { id } = await stage.emitter().submit({ queue: "q", notBefore: new Date(Date.now() - 60_000) });
    await stage.taskIn(id, TaskState.PENDING);
  });

  it("does not hold up others of its queue", async () => {
    const stage = await start();
    const emitter = stage.emitter();
    await emitter.submit({ queue: "q", payload: "later", delayMs: 60_000, priority: 9 });
    await emitter.submit({ queue: "q", payload: "now" });
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    expect((await jobs.next()).task.text()).toBe("now");
    expect(jobs.waiting).toBe(0);
  });

  it("keeps its time over a restart of the node", TIMED, async () => {
    const stage = await start();
    const { id } = await stage.emitter().submit({ queue: "q", delayMs: 1000 });
    const before = dueMs(await stage.taskIn(id, TaskState.SCHEDULED));
    await stage.restart("closed");
    expect(dueMs(await stage.taskIn(id, TaskState.SCHEDULED))).toBe(before);
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const lateMs = (await jobs.next()).startMs - before;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(MAX_LATE_MS);
  });

  it("whose time came while the node was down runs when it is up", async () => {
    const stage = await start();
    const { id } = await stage.emitter().submit({ queue: "q", delayMs: 1 });
    await stage.restart("closed");
    await stage.taskIn(id, TaskState.PENDING);
  });
});
