/** The reference handlers at work: a real node, an analyzer with all of them, tasks of every type through gRPC. */
import { Admin, Analyzer, Emitter, TaskFailedError, type TaskInput } from "@sluice/client";
import { type Progress, type Task, TaskState } from "@sluice/client/contract";
import { afterAll, beforeAll, expect, it } from "vitest";
import { handlers, referenceHandlers } from "../../examples/handlers/index.ts";
import { png } from "../../examples/handlers/testing/images.ts";
import { type LoopbackServer, startLoopbackServer } from "../../examples/handlers/testing/loopback-server.ts";
import { startNode, type TestNode } from "../support/node.ts";

const QUEUE = "examples";

let node: TestNode;
let web: LoopbackServer;
let analyzer: Analyzer;
let emitter: Emitter;
let admin: Admin;

beforeAll(async () => {
  node = await startNode();
  web = await startLoopbackServer(({ method, body }, response) => response.end(`${method} ${body}`));
  analyzer = new Analyzer({
    address: node.address,
    queues: QUEUE,
    weight: 2,
    handlers: referenceHandlers({ allowHttp: web.address }),
  });
  await analyzer.start();
  emitter = new Emitter({ address: node.address });
  admin = new Admin({ address: node.address });
});

afterAll(async () => {
  await Promise.all([emitter?.close(), analyzer?.close(), admin?.close()]);
  await web?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

async function resultOf(type: string, payload: TaskInput["payload"], input: TaskInput = {}): Promise<unknown> {
  const handle = await emitter.submit({ queue: QUEUE, type, payload, ...input });
  return (await handle.result({ timeoutMs: 10_000 })).json();
}

async function failureOf(type: string, payload: TaskInput["payload"], input: TaskInput = {}): Promise<Task> {
  const error = await resultOf(type, payload, input).catch((reason: unknown) => reason);
  if (error instanceof TaskFailedError) return error.task;
  throw new Error(`the task did not fail: ${String(error)}`);
}

it("a task of each type is completed with its result", async () => {
  const tasks: Record<string, { payload: TaskInput["payload"]; result: object }> = {
    "text-statistics": { payload: "To be. Or not to be?", result: { words: 6, sentences: 2, lines: 1 } },
    "extractive-summary": {
      payload: { text: "Leases end. A lease protects a task while the lease lives. Tea is hot.", sentences: 1 },
      result: { summary: "A lease protects a task while the lease lives.", sentences: 3 },
    },
    "batch-array": {
      payload: { operation: "sum", items: [1, 2, 3] },
      result: { operation: "sum", value: 6, count: 3 },
    },
    "image-metadata": { payload: png({ width: 640, height: 480 }), result: { format: "png", width: 640, height: 480 } },
    compute: { payload: { operation: "factorial", n: 20 }, result: { value: "2432902008176640000" } },
    sleep: { payload: { ms: 5 }, result: { sleptMs: 5 } },
    "http-request": {
      payload: { url: `http://${web.address}/hook`, method: "POST", body: "hello" },
      result: { status: 200, text: "POST hello" },
    },
    "fail-then-succeed": { payload: { failures: 0 }, result: { attempts: 1 } },
    "log-classification": {
      payload: "<11>Oct 11 22:14:15 db1 postgres[7]: deadlock detected",
      result: { format: "syslog", level: "error", category: "database", confidence: 1 },
    },
  };
  expect(Object.keys(tasks)).toEqual(Object.keys(handlers));
  const results = await Promise.all(
    Object.entries(tasks).map(async ([type, { payload }]) => [type, await resultOf(type, payload)] as const),
  );
  for (const [type, result] of results) expect(result, type).toMatchObject(tasks[type]?.result ?? {});
});

it("progress of a batch is seen while it runs", async () => {
  const items = Array.from({ length: 200 }, (_, index) => index);
  const payload = { operation: "square", items, chunkSize: 1, pauseMs: 20 };
  const { id } = await emitter.submit({ queue: QUEUE, type: "batch-array", payload });
  const progress = await progressOf(id);
  expect(progress.percent).toBeGreaterThan(0);
  expect(progress.percent).toBeLessThan(100);
  expect(progress.note).toMatch(/^\d+ of 200 items$/);
  // That it stops early shows that the handler looks at its signal.
  expect(await admin.cancelTasks({ ids: [id] })).toMatchObject({ requested: 1 });
  for await (const { task } of admin.waitTasks([id])) expect(task?.state).toBe(TaskState.CANCELLED);
  await expect.poll(() => analyzer.stats.running).toBe(0);
});

it("attempts that fail are repeated until one succeeds, and the history is kept", async () => {
  const retry = { maxAttempts: 3, initialBackoffMs: 1 };
  expect(await resultOf("fail-then-succeed", { failures: 2 }, { retry })).toEqual({ attempts: 3 });
  const task = await failureOf("fail-then-succeed", { failures: 3 }, { retry });
  expect(task.history.map(({ number, error }) => [number, error?.code])).toEqual([
    [1, "EXPECTED_FAILURE"],
    [2, "EXPECTED_FAILURE"],
    [3, "EXPECTED_FAILURE"],
  ]);
});

it("a sleep longer than the task's timeout ends as TIMEOUT, and the handler stops", async () => {
  const task = await failureOf("sleep", { ms: 60_000 }, { timeoutMs: 50, retry: { maxAttempts: 1 } });
  expect(task.error?.code).toBe("TIMEOUT");
  await expect.poll(() => analyzer.stats.running).toBe(0);
});

it("a wrong payload of any type becomes a dead letter with its first attempt, and says what is expected", async () => {
  for (const type of Object.keys(handlers)) {
    // Neither JSON nor UTF-8 nor an image.
    const task = await failureOf(type, Uint8Array.of(0xff, 0xfe));
    expect(task.history, type).toHaveLength(1);
    expect(task.error, type).toMatchObject({ code: "INVALID_PAYLOAD", message: expect.stringMatching(/^expected /) });
  }
});

it("a request goes nowhere unless that is allowed", async () => {
  const before = web.seen.length;
  const task = await failureOf("http-request", { url: `http://localhost:${web.address.split(":")[1]}/` });
  expect(task.error?.code).toBe("HTTP_NOT_ALLOWED");
  expect(web.seen).toHaveLength(before);
});

/** The first report of progress that operators see. The test's timeout is the deadline. */
async function progressOf(id: string): Promise<Progress> {
  while (true) {
    const { progress, state } = await admin.getTask(id);
    if (progress !== undefined && progress.percent > 0) return progress;
    if (state === TaskState.COMPLETED || state === TaskState.FAILED) throw new Error("it ended without a report");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
