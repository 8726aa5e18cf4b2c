import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Any, AnySchema, DurationSchema } from "@bufbuild/protobuf/wkt";
import { type StatusObject, status } from "@grpc/grpc-js";
import { DistributorService, TaskState } from "@sluice/client/contract";
import { expect, it } from "vitest";
import { DEFAULT_QUEUE_SETTINGS } from "../../src/store/port.ts";
import { encode } from "../support/raw-client.ts";
import { describeOnEveryStore, eventually, type Stage } from "./every-store.ts";
import { Jobs } from "./jobs.ts";

const { submit: SUBMIT } = DistributorService.method;

/** Submits by bare gRPC: the SDK would try again. */
async function submitOnce(stage: Stage, payload = ""): Promise<StatusObject> {
  const request = encode(SUBMIT.input, { task: { queue: "q", payload: Buffer.from(payload) } });
  return (await stage.raw().call(SUBMIT, request)).status;
}

/** The message field of this number, by the wire format: the schemas of google.rpc are not among ours. */
function fieldOf(message: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === WireType.LengthDelimited) return reader.bytes();
    reader.skip(wireType, number);
  }
  throw new Error(`no field ${wanted}`);
}

/** The RetryInfo of a status: google.rpc.Status.details is field 3, google.rpc.RetryInfo.retry_delay is field 1. */
function retryDelayMs({ metadata }: StatusObject): number {
  const [trailer] = metadata.get("grpc-status-details-bin");
  if (!(trailer instanceof Uint8Array)) throw new Error("the status has no details");
  const detail: Any = fromBinary(AnySchema, fieldOf(trailer, 3));
  expect(detail.typeUrl).toBe("type.googleapis.com/google.rpc.RetryInfo");
  const { seconds, nanos } = fromBinary(DurationSchema, fieldOf(detail.value, 1));
  return Number(seconds) * 1000 + nanos / 1e6;
}

describeOnEveryStore("a queue", (start) => {
  it("is created on first use", async () => {
    const stage = await start();
    expect(await stage.admin.queues()).toEqual([]);
    const emitter = stage.emitter();
    await emitter.submit({ queue: "mail" });
    await emitter.submit({});
    await stage.admin.setQueue("sms", {});
    const queues = await stage.admin.queues();
    expect(queues.map(({ name }) => name)).toEqual(["default", "mail", "sms"]);
    for (const { settings } of queues) expect(settings).toMatchObject({ ...DEFAULT_QUEUE_SETTINGS });
  });

  it("delivers nothing while it is paused, and takes what is submitted", async () => {
    const stage = await start();
    const jobs = new Jobs();
    await stage.analyzer({ queues: ["q", "other"], handlers: jobs.handler });
    expect((await stage.admin.pauseQueue("q")).settings?.paused).toBe(true);
    const emitter = stage.emitter();
    const { id } = await emitter.submit({ queue: "q" });
    await emitter.submit({ queue: "other" });
    expect((await jobs.next()).task.queue).toBe("other");
    expect((await stage.admin.getTask(id)).state).toBe(TaskState.PENDING);
    expect((await stage.admin.resumeQueue("q")).settings?.paused).toBe(false);
    expect((await jobs.next()).task.id).toBe(id);
  });

  it("that is full answers RESOURCE_EXHAUSTED with a RetryInfo: tasks", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxWaiting: 2 });
    expect((await submitOnce(stage)).code).toBe(status.OK);
    expect((await submitOnce(stage)).code).toBe(status.OK);
    const refused = await submitOnce(stage);
    expect(refused).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "queue q has reached max_waiting: submit more slowly, add analyzers or raise the limit",
    });
    expect(retryDelayMs(refused)).toBe(1000);
  });

  it("that is full answers RESOURCE_EXHAUSTED with a RetryInfo: bytes", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxWaitingBytes: 1000 });
    expect((await submitOnce(stage, "x".repeat(800))).code).toBe(status.OK);
    const refused = await submitOnce(stage, "x".repeat(800));
    expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(refused.details).toContain("queue q has reached max_waiting_bytes");
    expect(retryDelayMs(refused)).toBe(1000);
  });

  it("that is full makes the emitter wait until there is room", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxWaiting: 1 });
    const emitter = stage.emitter({ retry: { initialMs: 1, maxMs: 1 } });
    await emitter.submit({ queue: "q" });
    const second = emitter.submit({ queue: "q" });
    await stage.analyzer({ queues: "q", handlers: () => {} });
    expect((await second).duplicate).toBe(false);
  });

  it("keeps its settings over a restart of the node", async () => {
    const stage = await start();
    const settings = {
      paused: true,
      maxLag: 7,
      maxLead: 2,
      holdMs: 250,
      maxWaiting: 1234,
      maxWaitingBytes: 2 ** 40,
      retentionMs: 2 ** 41,
      retentionCount: 11,
      deadRetentionMs: 2 ** 42,
      deadRetentionCount: 12,
    };
    expect((await stage.admin.setQueue("q", settings)).settings).toMatchObject(settings);
    // What is not named stays.
    expect((await stage.admin.setQueue("q", { maxLag: 8 })).settings).toMatchObject({ ...settings, maxLag: 8 });
    await stage.restart("closed");
    const [queue] = await stage.admin.queues();
    expect(queue).toMatchObject({ name: "q", settings: { ...settings, maxLag: 8 } });
  });

  it("refuses settings that make no sense", async () => {
    const { admin } = await start();
    await expect(admin.setQueue("q", { maxLead: 0.5 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "settings.max_lead must be 0 (unlimited) or at least 1",
    });
    await expect(admin.setQueue("q", { maxLag: -1 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(admin.setQueue("no spaces", {})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("with a max lead makes the fast wait for the slow, for no longer than the hold time", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxLead: 1, holdMs: 60_000 });
    const slow = new Jobs();
    await stage.analyzer({ id: "slow", queues: "q", concurrency: 1, handlers: slow.handler });
    await stage.analyzer({ id: "zfast", queues: "q", concurrency: 1, handlers: () => {} });
    const emitter = stage.emitter();
    await emitter.submitMany(Array.from({ length: 9 }, () => ({ queue: "q" })));
    await slow.next();
    const last = await emitter.submit({ queue: "q" });
    await eventually(async () => {
      const { reasons } = await stage.admin.explainTask(last.id);
      expect(reasons.join()).toContain("the ready ones wait for slower analyzers (max lead 1)");
    });
    // One task each, and the one by which the fast one may be ahead.
    const [queue] = await stage.admin.queues();
    expect(queue?.shares.map(({ delivered }) => delivered)).toEqual([1, 2]);
    await stage.admin.setQueue("q", { holdMs: 1 });
    await stage.taskIn(last.id, TaskState.COMPLETED);
  });

  it("with a max lag owes an analyzer that returns no more than that", async () => {
    const stage = await start();
    await stage.admin.setQueue("q", { maxLag: 5 });
    const emitter = stage.emitter();
    const options = { queues: "q", concurrency: 100 };
    const first = await stage.analyzer({ ...options, id: "away", handlers: () => {} });
    await stage.analyzer({ ...options, id: "there", handlers: () => {} });
    await first.close();
    await emitter.submitMany(Array.from({ length: 40 }, () => ({ queue: "q" })));
    await eventually(async () => expect((await stage.admin.queues())[0]?.totals?.completed).toBe(40));
    await stage.admin.pauseQueue("q");
    const away = new Jobs();
    await stage.analyzer({ ...options, id: "away", handlers: away.handler });
    await emitter.submitMany(Array.from({ length: 20 }, () => ({ queue: "q" })));
    await stage.admin.resumeQueue("q");
    await eventually(async () => expect((await stage.admin.queues())[0]?.totals?.delivered).toBe(60));
    const [queue] = await stage.admin.queues();
    const delivered = queue?.shares.find(({ analyzerId }) => analyzerId === "away")?.delivered ?? 0;
    // 5 that it is owed, and half of the other 15.
    expect(delivered).toBeGreaterThanOrEqual(12);
    expect(delivered).toBeLessThanOrEqual(13);
  });
});
