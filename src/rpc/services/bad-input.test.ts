import { status } from "@grpc/grpc-js";
import { AdminService, DistributorService, TaskService, TaskState } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { encode, endOf } from "../../../test/support/raw-client.ts";
import { useRig } from "../../../test/support/rpc-rig.ts";
import { SluiceError } from "../../core/errors.ts";
import { DEFAULT_RPC_LIMITS } from "../limits.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const { submit, submitBatch } = DistributorService.method;
const tasks = TaskService.method;
const admin = AdminService.method;
const on = useRig();
describe("bad input gets its documented status", () => {
  const oversized = { payload: new Uint8Array(DEFAULT_RPC_LIMITS.maxPayloadBytes + 1) };
  const cases: [string, () => Promise<string>, RegExp][] = [
    [
      "an oversized payload",
      () => on.client.refusal(submit, { task: oversized }),
      /^INVALID_ARGUMENT: payload may have/,
    ],
    [
      "a bad queue name",
      () => on.client.refusal(submit, { task: { queue: "a b" } }),
      /^INVALID_ARGUMENT: queue must be/,
    ],
    ["a bad id", () => on.client.refusal(submit, { task: { id: "7" } }), /^INVALID_ARGUMENT: id must be a UUID/],
    ["no task", () => on.client.refusal(submit, {}), /^INVALID_ARGUMENT: task is missing/],
    ["an empty batch", () => on.client.refusal(submitBatch, {}), /^INVALID_ARGUMENT: the batch is empty/],
    [
      "a batch of 1,001 tasks",
      () => on.client.refusal(submitBatch, { tasks: Array.from({ length: 1001 }, () => ({})) }),
      /^INVALID_ARGUMENT: .*at most 1000 tasks/,
    ],
    ["a bad id to look up", () => on.client.refusal(tasks.getTask, { id: "x" }), /^INVALID_ARGUMENT: id must/],
    ["an unknown id", () => on.client.refusal(tasks.getTask, { id: ID }), /^NOT_FOUND: no task/],
    [
      "1,001 ids",
      () => on.client.refusal(tasks.cancelTasks, { selection: { ids: Array.from({ length: 1001 }, () => ID) } }),
      /^INVALID_ARGUMENT: selection\.ids may have at most 1000/,
    ],
    ["an empty selection", () => on.client.refusal(tasks.purgeTasks, {}), /^INVALID_ARGUMENT: selection must have/],
    [
      "a selection of every queue",
      () => on.client.refusal(tasks.retryTasks, { selection: { filter: { states: [TaskState.FAILED] } } }),
      /^INVALID_ARGUMENT: selection\.filter must name a queue/,
    ],
    [
      "ids and a filter",
      () => on.client.refusal(tasks.retryTasks, { selection: { ids: [ID], filter: { queue: "q" } } }),
      /^INVALID_ARGUMENT: selection may have ids or a filter/,
    ],
    [
      "a state that does not exist",
      // field 1 of the request is the filter, whose field 2 are the states
      () => on.client.refusalOfBytes(tasks.listTasks, Buffer.from([0x0a, 2, 0x10, 99])),
      /^INVALID_ARGUMENT: filter\.states/,
    ],
    ["a bad filter queue", () => on.client.refusal(tasks.listTasks, { filter: { queue: "?" } }), /^INVALID_ARGUMENT/],
    ["a bad queue to pause", () => on.client.refusal(admin.pauseQueue, { queue: "" }), /^INVALID_ARGUMENT: queue must/],
    [
      "a lead below one task",
      () => on.client.refusal(admin.setQueue, { queue: "q", settings: { maxLead: 0.5 } }),
      /^INVALID_ARGUMENT: settings\.max_lead/,
    ],
    [
      "a retention of NaN",
      () => on.client.refusal(admin.setQueue, { queue: "q", settings: { retentionMs: Number.NaN } }),
      /^INVALID_ARGUMENT: settings\.retention/,
    ],
    [
      "a weight of zero",
      () => on.client.refusal(admin.setAnalyzerWeight, { analyzerId: "a1", weight: 0 }),
      /^INVALID_ARGUMENT: weight must be 0.001 to 1000000/,
    ],
    [
      "the weight of a stranger",
      () => on.client.refusal(admin.setAnalyzerWeight, { analyzerId: "a9", weight: 1 }),
      /^NOT_FOUND: analyzer a9/,
    ],
  ];
  for (const [what, run, expected] of cases) {
    test(`for ${what}`, async () => {
      expect(await run()).toMatch(expected);
      expect(on.rig.logged).toEqual([]);
    });
  }

  test("for garbage, in every method that takes one message", async () => {
    const services = [DistributorService, TaskService, AdminService];
    const methods = services.flatMap((service) => service.methods).filter((method) => method.methodKind === "unary");
    for (const method of methods) {
      const { status: answer } = await on.client.call(method, Buffer.from([0x0a, 0xff, 0xff]));
      expect([method.name, answer.code]).toEqual([method.name, status.INVALID_ARGUMENT]);
      expect(answer.details).toMatch(/^not a valid sluice\.v1\./);
    }
    expect(methods.length).toBeGreaterThan(15);
  });

  test("for garbage to a stream of answers", async () => {
    const answer = await endOf(on.client.serverStream(tasks.waitTasks, Buffer.from([0xff])));
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
  });

  test("for a wait without ids and an interval out of bounds", async () => {
    const wait = await endOf(on.client.serverStream(tasks.waitTasks, encode(tasks.waitTasks.input, {})));
    expect(wait).toMatchObject({ code: status.INVALID_ARGUMENT, details: "ids must name at least one task" });
    const request = encode(admin.watchStats.input, { intervalMs: 99 });
    const watch = await endOf(on.client.serverStream(admin.watchStats, request));
    expect(watch).toMatchObject({ code: status.INVALID_ARGUMENT, details: "interval_ms must be 100 to 60000" });
  });

  test("for a message over the limit", async () => {
    const { status: answer } = await on.client.call(submit, Buffer.alloc(DEFAULT_RPC_LIMITS.maxMessageBytes + 1));
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("an error", () => {
  test("that is unexpected is INTERNAL, says nothing and is logged with its cause", async () => {
    on.rig.distributor.failure = new TypeError("secret");
    const refusal = await on.client.refusal(submit, { task: {} });
    expect(refusal).toBe("INTERNAL: the node failed to answer; its log has the cause");
    expect(on.rig.logged).toMatchObject([
      { fields: { event: "rpc.fault", method: "/sluice.v1.DistributorService/Submit" } },
    ]);
    expect(on.rig.logged[0]?.fields["err"]).toBe(on.rig.distributor.failure);
  });

  test("whose message is not fit for a header still arrives", async () => {
    on.rig.distributor.failure = new SluiceError("UNAVAILABLE", `a\ud800b\n${"é".repeat(2000)}`);
    const refusal = await on.client.refusal(submit, { task: {} });
    expect(refusal.startsWith("UNAVAILABLE: a\uFFFDb é")).toBe(true);
    expect(Buffer.byteLength(refusal)).toBeLessThan(1100);
  });
});
