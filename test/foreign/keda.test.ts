/**
 * KEDA as far as a node can tell: its calls, made by another protobuf library from its contract, with the metadata that its
 * operator sends.
 */
import { resolve } from "node:path";
import { type ClientReadableStream, credentials, loadPackageDefinition, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { Analyzer, Emitter } from "@sluice/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startNode, type TestNode } from "../support/node.ts";
import { until } from "../support/rpc-rig.ts";

const PROTO = resolve("proto/externalscaler/externalscaler.proto");
/** As proto-loader gives them to programs that ask for nothing special. */
const { externalscaler } = loadPackageDefinition(loadSync(PROTO, { longs: Number, defaults: true }));

type Call = (request: object, answered: (error: Error | null, response: object) => void) => void;

let node: TestNode;
let emitter: Emitter;
let client: object;

beforeEach(async () => {
  node = await startNode();
  emitter = new Emitter({ address: node.address });
  const Scaler: unknown = Reflect.get(externalscaler ?? {}, "ExternalScaler");
  if (typeof Scaler !== "function") throw new Error("the contract has no ExternalScaler");
  client = Reflect.construct(Scaler, [node.address, credentials.createInsecure()]);
});

afterEach(async () => {
  await emitter.close();
  Reflect.apply(Reflect.get(client, "close"), client, []);
  await node[Symbol.asyncDispose]();
  expect(node.faults).toEqual([]);
});

/** What KEDA sends of a ScaledObject: the metadata of its trigger as written, its own keys included. */
function scaledObject(metadata: Readonly<Record<string, string>>) {
  return { name: "mail-analyzers", namespace: "work", scalerMetadata: { scalerAddress: "sluice:7070", ...metadata } };
}

function call(name: string, request: object): Promise<object> {
  return new Promise((resolve, reject) => {
    const method: Call = Reflect.get(client, name).bind(client);
    method(request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

function open(name: string, request: object): ClientReadableStream<object> {
  return Reflect.apply(Reflect.get(client, name), client, [request]);
}

function metrics(metadata: Readonly<Record<string, string>>, metricName = "sluice-analyzers-wanted"): Promise<object> {
  return call("GetMetrics", { scaledObjectRef: scaledObject(metadata), metricName });
}

async function submit(count: number, queue: string): Promise<void> {
  await emitter.submitMany(Array.from({ length: count }, () => ({ queue })));
}

describe("KEDA", () => {
  test("learns that a queue is active while something waits or runs, and only then", async () => {
    const mail = scaledObject({ queue: "mail" });
    expect(await call("IsActive", mail)).toEqual({ result: false });
    await submit(1, "mail");
    expect(await call("IsActive", mail)).toEqual({ result: true });
    expect(await call("IsActive", scaledObject({ queue: "other" }))).toEqual({ result: false });
    let finish: (() => void) | undefined;
    await using analyzer = new Analyzer({
      address: node.address,
      queues: "mail",
      handlers: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    });
    await analyzer.start();
    await until(() => finish !== undefined);
    expect(await call("IsActive", mail)).toEqual({ result: true });
    expect(await metrics({ queue: "mail" })).toMatchObject({ metricValues: [{ metricValue: 1 }] });
    finish?.();
    await expect.poll(() => call("IsActive", mail)).toEqual({ result: false });
  });

  test("is told on a stream when a queue becomes active and idle", async () => {
    const stream = open("StreamIsActive", scaledObject({ queue: "mail" }));
    const answers: object[] = [];
    stream.on("data", (answer: object) => answers.push(answer));
    const ended = new Promise((resolve) => stream.on("error", resolve));
    await until(() => answers.length === 1);
    await submit(3, "mail");
    await until(() => answers.length === 2);
    await using analyzer = new Analyzer({ address: node.address, queues: "mail", handlers: () => {} });
    await analyzer.start();
    await until(() => answers.length === 3);
    expect(answers).toEqual([{ result: false }, { result: true }, { result: false }]);
    stream.cancel();
    expect(await ended).toMatchObject({ code: status.CANCELLED });
  });

  test("scales by the analyzers wanted, one replica for each", async () => {
    expect(await call("GetMetricSpec", scaledObject({ queue: "mail", targetWaitMs: "5000" }))).toEqual({
      metricSpecs: [{ metricName: "sluice-analyzers-wanted", targetSize: 1, targetSizeFloat: 1 }],
    });
    const idle = { metricName: "sluice-analyzers-wanted", metricValue: 0, metricValueFloat: 0 };
    expect(await metrics({ queue: "mail" })).toEqual({ metricValues: [idle] });
    await submit(100, "mail");
    // Nobody has ever served the queue: one analyzer shows what its tasks take.
    expect(await metrics({ queue: "mail" })).toEqual({
      metricValues: [{ ...idle, metricValue: 1, metricValueFloat: 1 }],
    });
  });

  test("scales by tasks for each, when the trigger says how many", async () => {
    const metadata = { queue: "mail", targetPerAnalyzer: "2.5" };
    expect(await call("GetMetricSpec", scaledObject(metadata))).toEqual({
      metricSpecs: [{ metricName: "sluice-tasks", targetSize: 3, targetSizeFloat: 2.5 }],
    });
    await submit(20, "mail");
    expect(await metrics(metadata, "sluice-tasks")).toEqual({
      metricValues: [{ metricName: "sluice-tasks", metricValue: 20, metricValueFloat: 20 }],
    });
  });

  test("hears its targets at once on the stream of them, which the node ends when it stops", async () => {
    const stream = open("StreamMetricSpec", scaledObject({ queue: "mail" }));
    const ended = new Promise((resolve) => stream.on("error", resolve));
    expect(await new Promise((resolve) => stream.once("data", resolve))).toEqual(
      await call("GetMetricSpec", scaledObject({ queue: "mail" })),
    );
    await node[Symbol.asyncDispose]();
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
  });

  test.each<[string, Record<string, string>, string]>([
    ["no queue", {}, 'must name a queue, for example {queue: "mail"'],
    ["no name", { queue: "a b" }, "metadata.queue must be 1 to 128"],
    [
      "a duration with a unit",
      { queue: "mail", targetWaitMs: "30s" },
      "metadata.targetWaitMs must be a number from 100",
    ],
    ["a target of nothing", { queue: "mail", targetPerAnalyzer: "0" }, "must be greater than 0"],
    ["two targets", { queue: "mail", targetPerAnalyzer: "5", targetWaitMs: "100" }, "has targetWaitMs and"],
    [
      "other letters",
      { queue: "mail", target_wait_ms: "100" },
      "metadata.target_wait_ms is not known: write targetWaitMs",
    ],
  ])("is refused with a hint: %s", async (_what, metadata, hint) => {
    const refusal = { code: status.INVALID_ARGUMENT, details: expect.stringContaining(hint) };
    for (const name of ["IsActive", "GetMetricSpec"]) {
      await expect(call(name, scaledObject(metadata))).rejects.toMatchObject(refusal);
    }
    await expect(metrics(metadata)).rejects.toMatchObject(refusal);
    const stream = open("StreamIsActive", scaledObject(metadata));
    stream.resume();
    expect(await new Promise((resolve) => stream.on("error", resolve))).toMatchObject(refusal);
  });

  test("is refused a metric that its trigger does not have", async () => {
    await expect(metrics({ queue: "mail" }, "sluice-tasks")).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'this trigger has no metric "sluice-tasks", only sluice-analyzers-wanted',
    });
  });
});
