import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type AnalyzerEvent, HandlerAbortedError } from "@sluice/client";
import { CancelReason, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { BareAnalyzer } from "./bare-analyzer.ts";
import { DEADLINE_MS, describeOnEveryStore } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

describeOnEveryStore("an attempt over its timeout", (start) => {
  it("is cancelled by its signal and fails as TIMEOUT", async () => {
    const stage = await start();
    const events: AnalyzerEvent[] = [];
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler, onEvent: (event) => events.push(event) });
    const handle = await stage.emitter().submit({ queue: "q", timeoutMs: 80, retry: { maxAttempts: 1 } });
    const { context } = await jobs.next();
    const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    await expect(handle.result({ timeoutMs: DEADLINE_MS })).rejects.toMatchObject({
      error: { code: "TIMEOUT", message: "the attempt ran longer than its timeout of 80 ms" },
    });
    await aborted;
    expect(context.signal.reason).toBeInstanceOf(HandlerAbortedError);
    expect(context.signal.reason).toMatchObject({ reason: "TIMEOUT" });
    expect(events).toContainEqual({
      kind: "leaseLost",
      taskId: handle.id,
      lease: context.lease,
      reason: "TIMEOUT",
    });
    const { history, attempts } = await stage.admin.getTask(handle.id);
    expect(attempts).toBe(1);
    const [attempt] = history;
    if (attempt?.startTime === undefined || attempt.endTime === undefined) throw new Error("no times");
    expect(timestampMs(attempt.endTime) - timestampMs(attempt.startTime)).toBeGreaterThanOrEqual(80);
  });

  it("is followed by one with its full time", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const retry = { initialBackoffMs: 1, maxBackoffMs: 1 };
    const handle = await stage.emitter().submit({ queue: "q", timeoutMs: 250, retry });
    await jobs.next();
    const second = await jobs.next();
    expect(second.context.attempt).toBe(2);
    second.finish("in time");
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("in time");
  });

  it("gets STALE for a result that comes too late, and nothing of it is recorded", async () => {
    const stage = await start();
    const bare = new BareAnalyzer(stage.raw(), { analyzerId: "late", queues: [{ queue: "q" }] }, 1).read();
    const { id } = await stage.emitter().submit({ queue: "q", timeoutMs: 50, retry: { maxAttempts: 1 } });
    const { lease } = await bare.delivery();
    expect(await bare.until(({ cancels }) => cancels[0])).toMatchObject({ lease, reason: CancelReason.TIMEOUT });
    const before = await stage.taskIn(id, TaskState.FAILED);
    bare.send({ results: [{ lease, outcome: { case: "success", value: { output: new Uint8Array(1) } } }] });
    expect(await bare.until(({ receipts }) => receipts)).toMatchObject({ accepted: [], stale: [lease] });
    expect(await stage.admin.getTask(id)).toEqual(before);
  });

  it("does not exist for a task without one", async () => {
    const stage = await start({ settings: { leaseMs: 150 } });
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const emitter = stage.emitter();
    const handle = await emitter.submit({ queue: "q" });
    const job = await jobs.next();
    // As long as several lease times: the analyzer lives, so the lease does.
    const clock = await emitter.submit({ queue: "q", delayMs: 600 });
    await jobs.next();
    expect(clock.duplicate).toBe(false);
    expect(job.context.signal.aborted).toBe(false);
    job.finish("took its time");
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("took its time");
  });
});
