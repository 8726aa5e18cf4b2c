import { create, fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { DistributorService, TaskFilterSchema, TaskService, TaskState } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { storedTask } from "../../../test/support/fake-distributor.ts";
import { encode, endOf } from "../../../test/support/raw-client.ts";
import { until, useRig } from "../../../test/support/rpc-rig.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const { submit } = DistributorService.method;
const tasks = TaskService.method;
const on = useRig();
describe("tasks", () => {
  const spec = encode(submit.input, { task: { id: ID, queue: "q", payload: Buffer.from("hi") } }).subarray(2);

  test("are shown with everything that is known", async () => {
    const error = { code: "E", message: "m", details: Buffer.from([1]) };
    on.rig.distributor.tasks.set(ID, {
      ...storedTask({ id: ID, spec, state: "FAILED", attempts: 1, endMs: 1_700_000_000_500, analyzerId: "a1" }),
      history: [{ number: 1, analyzerId: "a1", startMs: 1_700_000_000_100, endMs: 1_700_000_000_500, error }],
      progress: { lease: 5, percent: 10, note: "n" },
    });
    const { task } = await on.client.unary(tasks.getTask, { id: ID });
    expect(task).toMatchObject({
      spec: { id: ID, queue: "q" },
      state: 6,
      attempts: 1,
      analyzerId: "a1",
      submitTime: { seconds: 1_700_000_000n, nanos: 0 },
      endTime: { seconds: 1_700_000_000n, nanos: 500_000_000 },
      error: { code: "E", message: "m" },
      history: [{ number: 1, analyzerId: "a1", error: { code: "E" } }],
      progress: { lease: 5n, percent: 10, note: "n" },
    });
    expect(task?.dueTime).toBeUndefined();
    expect(task?.result).toBeUndefined();
  });

  test("are listed in pages that clients can take, however large the tasks are", async () => {
    const payload = new Uint8Array(900_000);
    for (let index = 0; index < 5; index++) {
      const id = ID.replace(/.$/, String(index));
      const large = encode(submit.input, { task: { id, payload } }).subarray(4);
      on.rig.distributor.tasks.set(id, storedTask({ id, spec: large }));
    }
    const ids: string[] = [];
    let pageToken = "";
    do {
      const page = await on.client.unary(tasks.listTasks, { pageToken });
      expect(page.tasks.length).toBeGreaterThan(0);
      for (const task of page.tasks) ids.push(task.spec?.id ?? "");
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(ids).toEqual([...on.rig.distributor.tasks.keys()]);
    const summary = await on.client.unary(tasks.listTasks, { summary: true, newestFirst: true, pageSize: 5000 });
    expect(summary.tasks.map((task) => task.spec?.payload.length)).toEqual([0, 0, 0, 0, 0]);
    expect(on.rig.distributor.calls.at(-1)).toMatchObject(["list", { limit: 1000, newestFirst: true }]);
  });

  test("are operated on as selected", async () => {
    const { FAILED, CANCELLED } = TaskState;
    const filter = create(TaskFilterSchema, {
      queue: "q",
      type: "t",
      states: [FAILED, FAILED, CANCELLED],
      attributes: { k: "v" },
      submittedFrom: { seconds: 5n },
    });
    const cancelled = await on.client.unary(tasks.cancelTasks, { selection: { ids: [ID] } });
    expect(cancelled).toMatchObject({ cancelled: 1, requested: 2, skipped: 3, more: true });
    const retried = await on.client.unary(tasks.retryTasks, { selection: { filter }, ratePerSecond: 9, limit: 99_999 });
    expect(retried).toMatchObject({ retried: 1, skipped: 3, more: true });
    expect(await on.client.unary(tasks.purgeTasks, { selection: { filter } })).toMatchObject({ purged: 1 });
    const asked = { queue: "q", type: "t", states: ["FAILED", "CANCELLED"], attributes: { k: "v" }, fromMs: 5000 };
    expect(on.rig.distributor.calls).toEqual([
      ["cancel", { ids: [ID] }],
      ["retry", { filter: asked, limit: 10_000 }, 9],
      ["purge", { filter: asked, limit: 1000 }],
    ]);
  });

  test("are explained", async () => {
    expect(await on.client.unary(tasks.explainTask, { id: ID })).toMatchObject({ state: 1, reasons: ["because"] });
  });

  test("that are waited for are answered as they end, then the stream ends", async () => {
    const unknown = ID.replace(/.$/, "0");
    on.rig.distributor.tasks.set(ID, storedTask({ id: ID, spec, state: "RUNNING" }));
    const stream = on.client.serverStream(tasks.waitTasks, encode(tasks.waitTasks.input, { ids: [ID, unknown, ID] }));
    const answers: Buffer[] = [];
    const first = new Promise((resolve) => stream.once("data", resolve));
    stream.on("data", (answer: Buffer) => answers.push(answer));
    const ended = endOf(stream);
    await first;
    for (const tell of on.rig.distributor.waiting) tell(ID, storedTask({ id: ID, spec, state: "COMPLETED" }));
    expect((await ended).code).toBe(status.OK);
    const read = answers.map((answer) => fromBinary(tasks.waitTasks.output, answer));
    expect(read.map(({ id, task }) => [id, task?.state])).toEqual([
      [unknown, undefined],
      [ID, 5],
    ]);
    expect(on.rig.distributor.waiting.size).toBe(0);
  });

  test("that are waited for are all answered, however slowly the caller reads", async () => {
    const payload = new Uint8Array(100_000);
    const ids = Array.from({ length: 60 }, (_, index) => ID.slice(0, -2) + String(index + 10));
    for (const id of ids) {
      const large = encode(submit.input, { task: { id, payload } }).subarray(4);
      on.rig.distributor.tasks.set(id, storedTask({ id, spec: large, state: "COMPLETED" }));
    }
    const stream = on.client.serverStream(tasks.waitTasks, encode(tasks.waitTasks.input, { ids }));
    const ended = endOf(stream);
    await until(() => on.rig.distributor.calls.some(([name]) => name === "wait"));
    const answers: Buffer[] = [];
    stream.on("data", (answer: Buffer) => answers.push(answer));
    expect((await ended).code).toBe(status.OK);
    expect(answers.map((answer) => fromBinary(tasks.waitTasks.output, answer).id)).toEqual(ids);
    expect(on.rig.distributor.calls.some(([name]) => name === "get")).toBe(true);
  });

  test("are no longer waited for once the caller has gone", async () => {
    on.rig.distributor.tasks.set(ID, storedTask({ id: ID, spec, state: "RUNNING" }));
    const stream = on.client.serverStream(tasks.waitTasks, encode(tasks.waitTasks.input, { ids: [ID] }));
    const ended = endOf(stream);
    await until(() => on.rig.distributor.waiting.size > 0);
    stream.cancel();
    await ended;
    await until(() => on.rig.distributor.waiting.size === 0);
  });
});
