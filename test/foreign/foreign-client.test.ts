/**
 * A client that has never seen this repository: what it knows of the contract it has asked of the node, by server
 * reflection, and its messages are made by another protobuf library.
 */
import { resolve } from "node:path";
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type makeGenericClientConstructor,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startNode, type TestNode } from "../support/node.ts";

const OPTIONS: Options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
/** The protocols that every gRPC tool brings along: reflection itself, and health. */
const WELL_KNOWN = {
  "grpc.reflection.v1.ServerReflection": "@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
  "grpc.reflection.v1alpha.ServerReflection": "@grpc/reflection/build/proto/grpc/reflection/v1alpha/reflection.proto",
  "grpc.health.v1.Health": "grpc-health-check/proto/health/v1/health.proto",
};

type ServiceClientConstructor = ReturnType<typeof makeGenericClientConstructor>;
type ServiceClient = InstanceType<ServiceClientConstructor>;
type Message = Readonly<Record<string, unknown>>;
type Stream = ClientDuplexStream<object, Message>;

let node: TestNode;
const clients: ServiceClient[] = [];

beforeEach(async () => {
  node = await startNode();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await node[Symbol.asyncDispose]();
  expect(node.faults).toEqual([]);
});

/** A client for a service out of a package. */
function clientOf(definition: PackageDefinition, service: string): ServiceClient {
  let found: unknown = loadPackageDefinition(definition);
  for (const part of service.split(".")) found = found instanceof Object ? Reflect.get(found, part) : undefined;
  if (!isConstructor(found)) throw new Error(`${service} is no service`);
  const client = new found(node.address, credentials.createInsecure());
  clients.push(client);
  return client;
}

function isConstructor(found: unknown): found is ServiceClientConstructor {
  return typeof found === "function" && "service" in found;
}

function wellKnown(service: keyof typeof WELL_KNOWN): ServiceClient {
  return clientOf(loadSync(resolve("node_modules", WELL_KNOWN[service]), OPTIONS), service);
}

/** A unary call. */
function call(client: ServiceClient, method: string, request: object): Promise<Message> {
  return new Promise((resolve, reject) => {
    client[method]?.(request, (error: Error | null, response: Message) => (error ? reject(error) : resolve(response)));
  });
}

function open(client: ServiceClient, method: string): Stream {
  return client[method]?.();
}

/** The messages of a stream, one at a time. */
async function next(messages: AsyncIterator<Message>): Promise<Message> {
  const { value, done } = await messages.next();
  if (done) throw new Error("the stream has ended");
  return value;
}

const REFLECTIONS = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"] as const;

/** Asks reflection. */
async function reflect(request: object, service: (typeof REFLECTIONS)[number] = REFLECTIONS[0]): Promise<Message> {
  const stream = open(wellKnown(service), "ServerReflectionInfo");
  const messages = stream[Symbol.asyncIterator]();
  stream.write(request);
  const answer = await next(messages);
  stream.end();
  expect(await messages.next()).toMatchObject({ done: true });
  return answer;
}

/** The contract as the node tells it: a client for each of its services. */
async function contract(): Promise<PackageDefinition> {
  const answers = await Promise.all(
    ["DistributorService", "TaskService", "AdminService"].map((service) =>
      reflect({ file_containing_symbol: `sluice.v1.${service}` }),
    ),
  );
  const files = new Map<string, Buffer>();
  for (const answer of answers) {
    const found = answer["file_descriptor_response"];
    const list: unknown = found instanceof Object ? Reflect.get(found, "file_descriptor_proto") : undefined;
    if (!Array.isArray(list)) throw new Error("reflection gave no files");
    for (const file of list) if (file instanceof Buffer) files.set(file.toString("latin1"), file);
  }
  // FileDescriptorSet { repeated FileDescriptorProto file = 1 }
  const set = [...files.values()].map((file) => Buffer.concat([Buffer.from([0x0a]), varint(file.length), file]));
  return loadFileDescriptorSetFromBuffer(Buffer.concat(set), OPTIONS);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Buffer.from(bytes);
  }
}

describe("a client that knows nothing but reflection", () => {
  for (const reflection of REFLECTIONS) {
    test(`lists the services by ${reflection}`, async () => {
      const answer = await reflect({ list_services: "*" }, reflection);
      expect(answer["list_services_response"]).toEqual({
        service: expect.arrayContaining(
          [
            "sluice.v1.DistributorService",
            "sluice.v1.TaskService",
            "sluice.v1.AdminService",
            "grpc.health.v1.Health",
          ].map((name) => ({ name })),
        ),
      });
    });
  }

  test("gets descriptions that are complete, proto3 optional fields included", async () => {
    const definition = await contract();
    expect(Object.keys(definition)).toEqual(
      expect.arrayContaining(["sluice.v1.TaskSpec", "sluice.v1.WorkRequest", "sluice.v1.QueueSettings"]),
    );
    const spec = definition["sluice.v1.TaskSpec"];
    const type = spec !== undefined && "type" in spec ? spec.type : undefined;
    expect(type).toMatchObject({
      field: expect.arrayContaining([
        expect.objectContaining({ name: "priority", number: 7 }),
        expect.objectContaining({ name: "not_before", typeName: expect.stringContaining("google.protobuf.Timestamp") }),
      ]),
    });
  });

  test("asks for the figures", async () => {
    const admin = clientOf(await contract(), "sluice.v1.AdminService");
    const stats = await call(admin, "GetStats", {});
    expect(stats["node"]).toMatchObject({ store: "memory", version: "test", draining: false });
  });

  test("submits a task, and works it off by hand", async () => {
    const definition = await contract();
    const distributor = clientOf(definition, "sluice.v1.DistributorService");
    const tasks = clientOf(definition, "sluice.v1.TaskService");
    // A map is a list of entries on the wire, and that is how this library shows one that it learned by reflection.
    const attributes = [{ key: "traceparent", value: "00-1" }];
    const task = { queue: "logs", type: "resize", payload: Buffer.from("pixels"), attributes };
    const { id } = await call(distributor, "Submit", { task });

    const stream = open(distributor, "Work");
    const messages = stream[Symbol.asyncIterator]();
    stream.write({ hello: { analyzer_id: "foreign-1", queues: [{ queue: "logs" }], weight: 0.4 }, credit: 1 });
    const welcome = await next(messages);
    expect(welcome["welcome"]).toMatchObject({ max_in_flight: 4, held: [] });
    const { deliveries } = await next(messages);
    if (!Array.isArray(deliveries)) throw new Error("no deliveries");
    expect(deliveries).toMatchObject([{ attempt: 1, task: { ...task, id } }]);

    const { lease } = deliveries[0];
    stream.write({ heartbeat: { progress: [{ lease, percent: 50, note: "half" }] } });
    stream.write({ results: [{ lease, success: { output: Buffer.from("done"), content_type: "text/plain" } }] });
    expect(await next(messages)).toMatchObject({ receipts: { accepted: [lease], stale: [] } });
    stream.write({ results: [{ lease, success: {} }] });
    expect(await next(messages)).toMatchObject({ receipts: { accepted: [], stale: [lease] } });
    stream.end();
    expect(await messages.next()).toMatchObject({ done: true });

    const shown = await call(tasks, "GetTask", { id });
    expect(shown["task"]).toMatchObject({
      state: "TASK_STATE_COMPLETED",
      analyzer_id: "foreign-1",
      spec: { ...task, id },
      result: { output: Buffer.from("done"), content_type: "text/plain" },
    });
  });

  test("is told by health that the node serves", async () => {
    const health = wellKnown("grpc.health.v1.Health");
    for (const service of ["", "sluice.v1.DistributorService", "sluice.v1.TaskService", "sluice.v1.AdminService"]) {
      expect(await call(health, "Check", { service })).toEqual({ status: "SERVING" });
    }
    await expect(call(health, "Check", { service: "sluice.v1.Nothing" })).rejects.toMatchObject({ code: 5 });
  });

  test("is told by health of a drain at once", async () => {
    const stream: Stream = wellKnown("grpc.health.v1.Health")["Watch"]?.({ service: "" });
    stream.on("error", () => {});
    const messages = stream[Symbol.asyncIterator]();
    expect(await next(messages)).toEqual({ status: "SERVING" });
    const stopped = node[Symbol.asyncDispose]();
    expect(await next(messages)).toEqual({ status: "NOT_SERVING" });
    await stopped;
  });
});
