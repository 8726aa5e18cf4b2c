import { create, type DescMethodUnary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AdminService, DistributorService, TaskService } from "@sluice/client/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeDistributor, storedTask } from "../../test/support/fake-distributor.ts";
import { type HttpRig, serveHttp } from "../../test/support/http-rig.ts";
import { codeName, encode, pathOf, RawClient } from "../../test/support/raw-client.ts";
import { RpcRig, until } from "../../test/support/rpc-rig.ts";
import type { RunningServer } from "../rpc/server.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const UNKNOWN = ID.replace(/.$/, "0");
const spec = encode(DistributorService.method.submit.input, { task: { id: ID, queue: "q" } }).subarray(2);
const admin = AdminService.method;
const tasks = TaskService.method;

const rig = new RpcRig();
let grpc: RunningServer;
let raw: RawClient;
let http: HttpRig;

beforeAll(async () => {
  rig.distributor.tasks.set(ID, storedTask({ id: ID, spec, state: "COMPLETED" }));
  rig.distributor.answer = ({ queue }) =>
    queue === "full" ? { kind: "full", message: "no room", retryAfterMs: 1500 } : { kind: "accepted" };
  grpc = await rig.start();
  raw = new RawClient(grpc.port);
  http = await serveHttp(rig.distributor);
});
afterAll(async () => {
  raw[Symbol.dispose]();
  await grpc.close();
  await http[Symbol.asyncDispose]();
});

/** A call, with requests that are answered and requests that are refused. */
function calls<I extends DescMethodUnary>(method: I, ...requests: MessageInitShape<I["input"]>[]): [I, Uint8Array][] {
  return [{}, ...requests].map((request) => [method, toBinary(method.input, create(method.input, request))]);
}

const CALLS: readonly [DescMethodUnary, Uint8Array][] = [
  ...calls(
    DistributorService.method.submit,
    { task: { id: ID } },
    { task: { id: ID, priority: 10 } },
    { task: { id: ID, queue: "full" } },
  ),
  ...calls(DistributorService.method.submitBatch, {
    tasks: [{ id: ID }, { id: "nonsense" }, { id: ID, queue: "full" }],
  }),
  ...calls(tasks.getTask, { id: ID }, { id: UNKNOWN }),
  ...calls(tasks.listTasks, { pageSize: 1 }, { filter: { queue: "no name" } }),
  ...calls(tasks.cancelTasks, { selection: { ids: [ID] } }),
  ...calls(tasks.retryTasks, { selection: { filter: { queue: "q" } } }),
  ...calls(tasks.purgeTasks, { selection: { ids: [ID], filter: { queue: "q" } } }),
  ...calls(tasks.explainTask, { id: ID }),
  ...calls(admin.getStats, { queue: "default" }),
  ...calls(admin.getScaling, { queue: "default" }, { queue: "default", targetWaitMs: 1 }),
  ...calls(admin.listQueues),
  ...calls(admin.pauseQueue, { queue: "q" }),
  ...calls(admin.resumeQueue, { queue: "q" }),
  ...calls(admin.setQueue, { queue: "q", settings: { maxLead: 2 } }, { queue: "q", settings: { maxLead: 0.5 } }),
  ...calls(admin.listAnalyzers, { queue: "default" }),
  ...calls(admin.setAnalyzerWeight, { analyzerId: "a1", weight: 2 }, { analyzerId: "a9", weight: 2 }),
  ...calls(admin.drainAnalyzer, { analyzerId: "a1" }),
  ...calls(admin.explainAnalyzer, { analyzerId: "a1" }),
  ...calls(admin.drainNode),
];

describe("the methods of the contract", () => {
  test("are all called by this suite", () => {
    const all = [DistributorService, TaskService, AdminService].flatMap(({ methods }) => methods);
    const unary = all.filter(({ methodKind }) => methodKind === "unary");
    expect(new Set(CALLS.map(([method]) => method))).toEqual(new Set(unary));
  });

  test.each(CALLS.map(([method, request], index) => ({ name: `${method.name} ${index}`, method, request })))(
    "C1: answer $name by Connect as they do by gRPC",
    async ({ method, request }) => {
      const expected = await raw.call(method, request);
      const response = await fetch(`${http.url}${pathOf(method)}`, {
        method: "POST",
        headers: { "content-type": "application/proto" },
        body: Buffer.from(request),
      });
      if (expected.response === undefined) {
        const code = codeName(expected.status).toLowerCase();
        expect(await response.json()).toMatchObject({ code, message: expected.status.details });
      } else {
        expect(response.status).toBe(200);
        expect(Buffer.from(await response.arrayBuffer())).toEqual(expected.response);
      }
    },
  );
});

describe.each<[string, () => Transport]>([
  ["Connect with JSON", () => createConnectTransport({ baseUrl: http.url, httpVersion: "1.1" })],
  [
    "Connect with JSON over HTTP/2",
    () => createConnectTransport({ baseUrl: http.url, httpVersion: "2", useBinaryFormat: false }),
  ],
  ["gRPC-Web", () => createGrpcWebTransport({ baseUrl: http.url, httpVersion: "1.1" })],
  ["gRPC over HTTP/2", () => createGrpcTransport({ baseUrl: http.url })],
])("a client of %s", (_name, transport) => {
  test("looks up, and is told of errors with their hints", async () => {
    const stats = await createClient(AdminService, transport()).getStats({});
    expect(stats.node?.epoch).toBe(7);
    const submit = createClient(DistributorService, transport()).submit({ task: { id: ID, queue: "full" } });
    const error = await submit.then(() => undefined, ConnectError.from);
    expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: "no room" });
    expect(error?.details).toMatchObject([{ type: "google.rpc.RetryInfo", value: encodedRetryInfo(1, 500) }]);
  });

  test("waits for the endings of tasks, until all have ended", async () => {
    const endings: [string, number | undefined][] = [];
    for await (const { id, task } of createClient(TaskService, transport()).waitTasks({ ids: [ID, UNKNOWN] })) {
      endings.push([id, task?.state]);
    }
    expect(endings).toEqual([
      [ID, 5],
      [UNKNOWN, undefined],
    ]);
    expect(rig.distributor.waiting.size).toBe(0);
  });

  test("watches the figures until it has seen enough", async () => {
    const client = createClient(AdminService, transport());
    const over = new AbortController();
    let seen = 0;
    const watch = async () => {
      for await (const { stats } of client.watchStats({ intervalMs: 100 }, { signal: over.signal })) {
        expect(stats?.node?.epoch).toBe(7);
        seen += 1;
        if (seen === 2) over.abort();
      }
    };
    await expect(watch()).rejects.toMatchObject({ code: Code.Canceled });
    expect(seen).toBe(2);
  });

  test("that goes away while it waits is forgotten", async () => {
    rig.distributor.tasks.set(UNKNOWN, storedTask({ id: UNKNOWN, spec, state: "RUNNING" }));
    const over = new AbortController();
    const wait = async () => {
      for await (const _ of createClient(TaskService, transport()).waitTasks({ ids: [UNKNOWN] }, over)) break;
    };
    const waited = expect(wait()).rejects.toMatchObject({ code: Code.Canceled });
    await until(() => rig.distributor.waiting.size === 1);
    over.abort();
    await waited;
    await until(() => rig.distributor.waiting.size === 0);
    rig.distributor.tasks.delete(UNKNOWN);
  });

  test("is refused a stream with a wrong request as gRPC refuses it", async () => {
    const watch = async () => {
      for await (const _ of createClient(AdminService, transport()).watchStats({ intervalMs: 1 })) break;
    };
    await expect(watch()).rejects.toMatchObject({ code: Code.InvalidArgument, rawMessage: /interval_ms must be/ });
  });
});

/** A google.rpc.RetryInfo. */
function encodedRetryInfo(seconds: number, ms: number): Uint8Array {
  const nanos = new BinaryWriter()
    .uint32(0x08)
    .int64(seconds)
    .uint32(0x10)
    .int32(ms * 1_000_000)
    .finish();
  return new BinaryWriter().uint32(0x0a).bytes(nanos).finish();
}

describe("a lookup (C3)", () => {
  test("may be asked for by GET, with a message or without", async () => {
    const whole = await http.send(pathOf(admin.getStats));
    expect(whole.json()).toMatchObject({ node: { epoch: 7, draining: false, leases: 0 } });
    const message = encodeURIComponent(JSON.stringify({ id: UNKNOWN }));
    const unknown = await http.send(`${pathOf(tasks.getTask)}?connect=v1&encoding=json&message=${message}`);
    expect(unknown).toMatchObject({ status: 404 });
    expect(unknown.json()).toMatchObject({ code: "not_found" });
  });

  test("is the only thing that may: what changes something takes POST", async () => {
    const known = rig.distributor.calls.length;
    const all = [DistributorService, TaskService, AdminService].flatMap(({ methods }) => methods);
    const reads = all.filter(({ idempotency }) => idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS);
    expect(reads.map(({ name }) => name)).toEqual([
      "GetTask",
      "ListTasks",
      "ExplainTask",
      "GetStats",
      "GetScaling",
      "ListQueues",
      "ListAnalyzers",
      "ExplainAnalyzer",
    ]);
    for (const method of all.filter((each) => !reads.includes(each))) {
      const { status, headers } = await http.send(pathOf(method));
      expect({ method: method.name, status, allow: headers.allow }).toEqual({
        method: method.name,
        status: 405,
        allow: "POST",
      });
    }
    expect(rig.distributor.calls).toHaveLength(known);
  });
});

describe("what does not fit", () => {
  test("C2: the session of an analyzer, with the way to go", async () => {
    const path = pathOf(DistributorService.method.work);
    const answer = await http.post(path, {});
    expect(answer.status).toBe(501);
    expect(answer.json()).toEqual({ code: "unimplemented", message: expect.stringContaining("gRPC port") });
    const work = async () => {
      const client = createClient(DistributorService, createGrpcTransport({ baseUrl: http.url }));
      for await (const _ of client.work(nothing())) break;
    };
    await expect(work()).rejects.toMatchObject({
      code: Code.Unimplemented,
      rawMessage: expect.stringContaining("gRPC port"),
    });
  });

  test.each([
    ["a name that the message does not have", { quue: "q" }, /quue/],
    ["a value that its field cannot have", { queue: 5 }, /queue/],
  ])("JSON with %s is refused and named", async (_what, body, message) => {
    const answer = await http.post(pathOf(admin.getStats), body);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
  });

  test("a body of another type is refused, with the one that fits", async () => {
    for (const method of [admin.getStats, admin.watchStats]) {
      const answer = await http.send(pathOf(method), {
        verb: "POST",
        headers: { "content-type": "text/plain" },
        body: "{}",
      });
      expect(answer.status).toBe(415);
      const fitting = method.methodKind === "unary" ? "application/json" : "application/connect+json";
      expect(answer.json()).toMatchObject({ message: expect.stringContaining(fitting) });
    }
  });

  test("a fault of the node gives nothing away, and its cause goes to the log", async () => {
    rig.distributor.failure = new Error("secret");
    const answer = await http.post(pathOf(admin.getStats), {});
    rig.distributor.failure = undefined;
    expect(answer.status).toBe(500);
    expect(answer.json()).toEqual({ code: "internal", message: "the node failed to answer; its log has the cause" });
    expect(http.logged.at(-1)).toMatchObject({ event: "rpc.fault", err: { message: "secret" } });
  });
});

async function* nothing() {}

describe("a server that closes", () => {
  test("ends streams with UNAVAILABLE and leaves nobody waiting", async () => {
    const distributor = new FakeDistributor();
    distributor.tasks.set(ID, storedTask({ id: ID, spec, state: "RUNNING" }));
    await using closing = await serveHttp(distributor);
    const client = createClient(TaskService, createConnectTransport({ baseUrl: closing.url, httpVersion: "1.1" }));
    const wait = async () => {
      for await (const _ of client.waitTasks({ ids: [ID] })) break;
    };
    const ended = expect(wait()).rejects.toMatchObject({ code: Code.Unavailable });
    await until(() => distributor.waiting.size === 1);
    await closing.server.close();
    await ended;
    expect(distributor.waiting.size).toBe(0);
    await closing.server.close();
  });
});
