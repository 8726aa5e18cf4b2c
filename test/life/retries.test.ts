import { timestampMs } from "@bufbuild/protobuf/wkt";
import { HandlerError, TaskFailedError } from "@sluice/client";
import { type Attempt, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { BareAnalyzer } from "./bare-analyzer.ts";
import { DEADLINE_MS, describeOnEveryStore, eventually } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

/** The shortest wait that a policy can ask for. */
const AT_ONCE = { initialBackoffMs: 1, maxBackoffMs: 1 };

function timesOf({ startTime, endTime }: Attempt): { readonly startMs: number; readonly endMs: number } {
  if (startTime === undefined || endTime === undefined) throw new Error("an attempt without its times");
  return { startMs: timestampMs(startTime), endMs: timestampMs(endTime) };
}

describeOnEveryStore("a failing task", (start) => {
  it("gets 3 attempts by default, each kept with times, analyzer and error", async () => {
    const stage = await start();
    const fromMs = Date.now();
    await stage.analyzer({
      id: "a1",
      queues: "q",
      handlers: (_task, { attempt }) => {
        throw new HandlerError(`no luck in attempt ${attempt}`, { code: "NO_LUCK", details: { attempt } });
      },
    });
    const handle = await stage.emitter().submit({ queue: "q", retry: AT_ONCE });
    const error = await handle.result({ timeoutMs: DEADLINE_MS }).catch((caught: unknown) => caught);
    if (!(error instanceof TaskFailedError)) throw error;
    expect(error.error).toMatchObject({ code: "NO_LUCK", message: "no luck in attempt 3" });
    const { attempts, history, state } = await stage.admin.getTask(handle.id);
    expect({ attempts, state }).toEqual({ attempts: 3, state: TaskState.FAILED });
    expect(history.map(({ number }) => number)).toEqual([1, 2, 3]);
    let lastMs = fromMs;
    for (const attempt of history) {
      expect(attempt).toMatchObject({
        analyzerId: "a1",
        error: { code: "NO_LUCK", message: `no luck in attempt ${attempt.number}` },
      });
      expect(JSON.parse(Buffer.from(attempt.error?.details ?? []).toString())).toEqual({ attempt: attempt.number });
      const { startMs, endMs } = timesOf(attempt);
      expect(startMs).toBeGreaterThanOrEqual(lastMs);
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      lastMs = endMs;
    }
    expect(lastMs).toBeLessThanOrEqual(Date.now());
  });

  it("succeeds in a later attempt and keeps the history of the earlier ones", async () => {
    const stage = await start();
    await stage.analyzer({
      queues: "q",
      handlers: (_task, { attempt }) => {
        if (attempt < 3) throw new Error("not yet");
        return "done";
      },
    });
    const handle = await stage.emitter().submit({ queue: "q", retry: AT_ONCE });
    expect((await handle.result({ timeoutMs: DEADLINE_MS })).text()).toBe("done");
    expect((await stage.admin.getTask(handle.id)).history.map(({ error }) => error?.message)).toEqual([
      "not yet",
      "not yet",
    ]);
  });

  it("waits at most the initial backoff, anywhere below it", async () => {
    const stage = await start();
    const retry = { initialBackoffMs: 600_000, maxBackoffMs: 300_000 };
    await stage.emitter().submitMany(Array.from({ length: 20 }, () => ({ queue: "q", retry })));
    const filter = { queue: "q", states: [TaskState.RETRYING] };
    await stage.analyzer({ queues: "q", handlers: () => Promise.reject(new Error("no")) });
    const tasks = await eventually(async () => {
      const page = await stage.admin.listTasks({ filter });
      expect(page.tasks).toHaveLength(20);
      return page.tasks;
    });
    const waits = tasks.map(({ dueTime, history: [attempt] }) =>
      dueTime === undefined || attempt === undefined ? Number.NaN : timestampMs(dueTime) - timesOf(attempt).endMs,
    );
    for (const waitMs of waits) {
      expect(waitMs).toBeGreaterThanOrEqual(0);
      expect(waitMs).toBeLessThanOrEqual(300_000);
    }
    // Full jitter: 20 even draws do not all fall into one half, but once in half a million runs.
    expect(Math.min(...waits)).toBeLessThan(150_000);
    expect(Math.max(...waits)).toBeGreaterThan(150_000);
  });

  it("waits longer by its factor with each failure", async () => {
    const stage = await start();
    const retry = { maxAttempts: 4, initialBackoffMs: 1, backoffFactor: 100, maxBackoffMs: 600_000 };
    await stage.emitter().submitMany(Array.from({ length: 20 }, () => ({ queue: "q", retry })));
    const jobs = new Jobs();
    await stage.analyzer({ queues: "q", concurrency: 20, handlers: jobs.handler });
    for (let failures = 0; failures < 60; ) {
      const job = await jobs.next();
      // A short third wait may be over before all the others have failed three times: that fourth attempt stays running.
      if (job.context.attempt > 3) continue;
      job.fail(new Error("no"));
      failures += 1;
    }
    // Nor is such a wait seen any more; most are.
    const waits = await eventually(async () => {
      const { tasks } = await stage.admin.listTasks({ filter: { queue: "q" } });
      expect(tasks.every(({ history }) => history.length === 3)).toBe(true);
      return tasks.flatMap(({ dueTime, history: [, , third] }) =>
        dueTime === undefined || third === undefined ? [] : [timestampMs(dueTime) - timesOf(third).endMs],
      );
    });
    // 1 ms, 100 ms, 10,000 ms: after the third failure most waits are longer than the second bound.
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
    expect(Math.max(...waits)).toBeGreaterThan(100);
  });

  it("ends in its first attempt when the error is marked non-retryable", async () => {
    const stage = await start();
    await stage.analyzer({
      queues: "q",
      handlers: () => {
        throw new HandlerError("no such order", { code: "NO_ORDER", nonRetryable: true });
      },
    });
    const { id } = await stage.emitter().submit({ queue: "q", retry: { maxAttempts: 9 } });
    const task = await stage.taskIn(id, TaskState.FAILED);
    expect(task).toMatchObject({ attempts: 1, error: { code: "NO_ORDER", message: "no such order" } });
  });

  it("keeps its last 20 failures", async () => {
    const stage = await start();
    await stage.analyzer({ queues: "q", handlers: () => Promise.reject(new Error("no")) });
    const { id } = await stage.emitter().submit({ queue: "q", retry: { ...AT_ONCE, maxAttempts: 25 } });
    const { attempts, history } = await stage.taskIn(id, TaskState.FAILED);
    expect(attempts).toBe(25);
    expect(history.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 6));
  });

  it("may ask for 1 to 100 attempts and no more", async () => {
    const emitter = (await start()).emitter();
    await emitter.submit({ queue: "q", retry: { maxAttempts: 100 } });
    await expect(emitter.submit({ queue: "q", retry: { maxAttempts: 101 } })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "retry.max_attempts must be 1 to 100",
    });
  });
});

describeOnEveryStore("an attempt", (start) => {
  it("is charged when its analyzer is lost with its connection", async () => {
    const stage = await start({ settings: { resumeGraceMs: 50 } });
    const line = await stage.line();
    const jobs = new Jobs();
    await stage.analyzer({ id: "a1", address: line.address, queues: "q", handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    await line[Symbol.asyncDispose]();
    expect(await stage.taskIn(id, TaskState.PENDING)).toMatchObject({
      attempts: 1,
      history: [{ number: 1, analyzerId: "a1", error: { code: "ANALYZER_LOST" } }],
    });
    await stage.analyzer({ queues: "q", handlers: jobs.handler });
    expect((await jobs.next()).context.attempt).toBe(2);
  });

  it("is charged when its analyzer sends no frame for the lease time", async () => {
    const stage = await start({ settings: { leaseMs: 200 } });
    const silent = new BareAnalyzer(stage.raw(), { analyzerId: "silent", queues: [{ queue: "q" }] }, 1).read();
    const { id } = await stage.emitter().submit({ queue: "q", retry: { maxAttempts: 1 } });
    await silent.delivery();
    expect(await stage.taskIn(id, TaskState.FAILED)).toMatchObject({
      attempts: 1,
      error: { code: "ANALYZER_LOST", message: "it sent no frame for 200 ms" },
    });
  });

  it("is not charged when the connection comes back within the resume grace", async () => {
    const stage = await start();
    const line = await stage.line();
    const jobs = new Jobs();
    const analyzer = await stage.analyzer({ address: line.address, queues: "q", handlers: jobs.handler });
    const handle = await stage.emitter().submit({ queue: "q" });
    const job = await jobs.next();
    line.cut();
    await eventually(() => expect(analyzer.stats).toMatchObject({ sessions: 2, attached: true }));
    job.finish("still mine");
    const { task } = await handle.result({ timeoutMs: DEADLINE_MS });
    expect(task).toMatchObject({ attempts: 0, history: [] });
    expect(jobs.waiting).toBe(0);
  });

  it("is not charged when the analyzer hands the task back", async () => {
    const stage = await start();
    const jobs = new Jobs();
    const analyzer = await stage.analyzer({ queues: "q", handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    await jobs.next();
    await analyzer.close();
    expect(await stage.taskIn(id, TaskState.PENDING)).toMatchObject({ attempts: 0, history: [] });
    const bare = new BareAnalyzer(stage.raw(), { analyzerId: "bare", queues: [{ queue: "q" }] }, 1).read();
    const { lease, attempt } = await bare.delivery();
    expect(attempt).toBe(1);
    bare.send({ releases: [lease] });
    expect(await bare.until(({ receipts }) => receipts?.accepted)).toEqual([lease]);
    expect(await stage.taskIn(id, TaskState.PENDING)).toMatchObject({ attempts: 0, history: [] });
  });

  it("is not charged when an operator drains the analyzer", async () => {
    const stage = await start({ settings: { drainMs: 50 } });
    const jobs = new Jobs();
    await stage.analyzer({ id: "a1", queues: "q", drainTimeoutMs: DEADLINE_MS, handlers: jobs.handler });
    const { id } = await stage.emitter().submit({ queue: "q" });
    const job = await jobs.next();
    await stage.admin.drainAnalyzer("a1");
    expect(await stage.taskIn(id, TaskState.PENDING)).toMatchObject({ attempts: 0, history: [] });
    job.finish();
  });
});
