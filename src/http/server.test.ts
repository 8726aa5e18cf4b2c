import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { AdminService } from "@sluice/client/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeDistributor } from "../../test/support/fake-distributor.ts";
import { eventually, type HttpRig, serveHttp } from "../../test/support/http-rig.ts";
import { pathOf } from "../../test/support/raw-client.ts";
import { DEFAULT_RPC_LIMITS } from "../rpc/limits.ts";
import { HEADERS_TIMEOUT_MS, MAX_COMMIT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { startHttp } from "./server.ts";

const STATS = pathOf(AdminService.method.getStats);
const JSON_TYPE = { "content-type": "application/json" };
const SMALL = { ...DEFAULT_RPC_LIMITS, maxMessageBytes: 600_000, maxPayloadBytes: 1000 };

let distributor: FakeDistributor;
let http: HttpRig;

beforeEach(async () => {
  distributor = new FakeDistributor();
  http = await serveHttp(distributor, { limits: SMALL, allowedOrigins: ["https://ops.example.com"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await http[Symbol.asyncDispose]();
});

/** A connection on which a test writes what it likes. Gives all that came until it was closed. */
function open(): { socket: Socket; closed: Promise<string> } {
  const socket = connect(http.server.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    text += part;
  });
  socket.on("error", () => {});
  return { socket, closed: new Promise((resolve) => socket.once("close", () => resolve(text))) };
}

function head(verb: string, path: string, ...headers: string[]): string {
  return [`${verb} ${path} HTTP/1.1`, "host: 127.0.0.1", ...headers, "", ""].join("\r\n");
}

describe("a port for both protocols", () => {
  test("takes HTTP/2 whose first bytes come one by one, and HTTP/1.1 likewise", async () => {
    for (const request of [head("PUT", "/", "connection: close"), head("GET", "/healthz", "connection: close")]) {
      const { socket, closed } = open();
      for (const byte of request) {
        socket.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await closed).toMatch(/^HTTP\/1\.1 (405|200) /);
    }
    const { socket, closed } = open();
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A frame of SETTINGS, and one of GOAWAY, after which the server closes.
    socket.write(Buffer.from("0000000400000000000000080700000000000000000000000000", "hex"));
    // Its own SETTINGS come first.
    expect((await closed).charCodeAt(3)).toBe(4);
  });

  test("closes a connection on which nothing comes, or nothing that says which it is", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    for (const bytes of ["", "PR"]) {
      const { socket, closed } = open();
      await new Promise((resolve) => socket.once("connect", resolve));
      if (bytes !== "") await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      // The server has accepted it once it answers another one.
      await http.send("/healthz");
      vi.advanceTimersByTime(HEADERS_TIMEOUT_MS);
      expect(await closed).toBe("");
    }
  });

  test("survives garbage, and connections that break off", async () => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (const bytes of ["\u0000\u0001\u0002", "GET / HTTP/9.9\r\n\r\n", `${preface}\u0000\u0000\u0000garbage`, "G"]) {
      const { socket } = open();
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      socket.resetAndDestroy();
    }
    expect((await http.send("/healthz")).status).toBe(200);
    expect(http.logged).toEqual([]);
  });

  test.each(["//", "http://[", "*"])("answers a request for %s, which is no path of its own", async (target) => {
    const { socket, closed } = open();
    socket.write(head("GET", target, "connection: close"));
    expect(await closed).toMatch(/^HTTP\/1\.1 40[04] [\s\S]*"code":"(invalid_argument|not_found)"/);
  });

  test.each([
    ["before it has said anything", ""],
    ["before it has said which protocol it speaks", "PR"],
    ["in the middle of a request", "GET / HT"],
    ["in HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
  ])("closes the connection of a peer that closes its side %s", async (_when, bytes) => {
    await using limited = await serveHttp(distributor, { limits: { ...SMALL, maxConnections: 1 } });
    const socket = connect({ port: limited.server.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {}).resume();
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("end", resolve));
    socket.end(bytes, "latin1");
    await closed;
    // There is room for another one.
    await eventually(async () => expect((await limited.send("/healthz")).status).toBe(200));
  });

  test("closes connections over its limit", async () => {
    await using limited = await serveHttp(distributor, { limits: { ...SMALL, maxConnections: 1 } });
    const first = connect(limited.server.port, "127.0.0.1");
    await new Promise((resolve) => first.once("connect", resolve));
    await expect(limited.send("/healthz")).rejects.toThrow();
    first.destroy();
  });

  test("that is taken is refused with what to do", async () => {
    const options = { host: "127.0.0.1", port: http.server.port, distributor, limits: SMALL, version: "1" };
    const log = () => {};
    const rest = { allowedOrigins: [], storage: async () => undefined, drain: log };
    const logger = { debug: log, info: log, warn: log, error: log };
    await expect(startHttp({ ...options, ...rest, logger })).rejects.toThrow(/is taken: stop the other program/);
  });
});

describe("the body of a request", () => {
  const large = Buffer.alloc(SMALL.maxMessageBytes + 1, " ");

  test.each([
    ["with a declared length", { "content-length": String(large.length) }],
    ["in chunks", { "transfer-encoding": "chunked" }],
  ])("that is too large, %s, is refused, and the caller hears of it", async (_how, headers) => {
    const answer = await http.send("/tasks", { verb: "POST", headers: { ...JSON_TYPE, ...headers }, body: large });
    expect(answer).toMatchObject({ status: 413, headers: { connection: "close" } });
    expect(answer.json()).toMatchObject({
      code: "resource_exhausted",
      message: expect.stringContaining("raise maxMessageBytes"),
    });
    expect(distributor.calls).toEqual([]);
  });

  test("that is too large is refused over HTTP/2 as well, and the connection lives on", async () => {
    const session = connectHttp2(http.url);
    expect(await ask(session, "/tasks", large)).toBe(413);
    expect(await ask(session, "/tasks", Buffer.from("{}"))).toBe(201);
    await new Promise<void>((resolve) => session.close(resolve));
  });

  function ask(session: ClientHttp2Session, path: string, body: Buffer): Promise<unknown> {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    return new Promise((resolve, reject) => {
      let status: unknown;
      stream.once("response", (headers) => {
        status = headers[":status"];
      });
      stream.once("error", reject);
      stream.once("close", () => resolve(status));
      stream.resume();
      stream.end(body);
    });
  }

  test("in very many small pieces holds up nobody", async () => {
    const message = JSON.stringify({ task: { queue: "q", payload: Buffer.alloc(900).toString("base64") } });
    const { socket, closed } = open();
    const headers = ["content-type: application/json", "transfer-encoding: chunked", "connection: close"];
    socket.write(head("POST", "/sluice.v1.DistributorService/Submit", ...headers));
    socket.write([...message].map((byte) => `1\r\n${byte}\r\n`).join(""));
    socket.write("0\r\n\r\n");
    expect(await closed).toContain("200 OK");
    expect(distributor.submitted).toMatchObject([{ queue: "q" }]);
  });

  test("that does not come to its end is refused in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { socket, closed } = open();
    const headers = ["content-type: application/json", "content-length: 10", "expect: 100-continue"];
    socket.write(head("POST", "/tasks", ...headers));
    // The server waits for the body from here on.
    await new Promise((resolve) => socket.once("data", resolve));
    socket.write("{");
    vi.advanceTimersByTime(REQUEST_TIMEOUT_MS);
    expect(await closed).toMatch(/HTTP\/1\.1 408 [\s\S]*"code":"deadline_exceeded"/);
  });
});

describe("pages of strangers", () => {
  test.each([
    ["another origin", { origin: "http://evil.example" }],
    ["a name that somebody else has pointed here", { host: "evil.example" }],
  ])("of %s can neither read nor change anything", async (_what, headers) => {
    const attempts = [
      await http.send(STATS, { headers }),
      await http.send("/metrics", { headers }),
      await http.send("/tasks", { headers }),
      await http.send("/tasks", { verb: "DELETE", headers }),
      await http.send("/tasks", { verb: "OPTIONS", headers: { ...headers, "access-control-request-method": "POST" } }),
      await http.post("/tasks", {}, headers),
      await http.post(pathOf(AdminService.method.drainNode), {}, headers),
    ];
    for (const { status, headers: answered, text } of attempts) {
      expect(status).toBe(403);
      expect(answered["access-control-allow-origin"]).toBeUndefined();
      expect(text).toContain("httpAllowedOrigins");
    }
    expect(distributor.calls).toEqual([]);
    expect(http.drains).toBe(0);
  });

  test("may ask whether the node lives, as load balancers do", async () => {
    const headers = { host: "evil.example" };
    expect((await http.send("/healthz", { headers })).status).toBe(200);
    expect((await http.send("/readyz", { headers })).status).toBe(200);
  });

  test("of an origin that was allowed may call, and are told so", async () => {
    const origin = "https://ops.example.com";
    const asked = await http.send(STATS, {
      verb: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-private-network": "true" },
    });
    expect(asked).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": expect.stringContaining("DELETE"),
        "access-control-allow-headers": expect.stringMatching(/Content-Type[\s\S]*sluice-operator/),
        "access-control-allow-private-network": "true",
        vary: "Origin",
      },
    });
    for (const answer of [
      await http.post(STATS, {}, { origin }),
      await http.send("/nowhere", { headers: { origin } }),
    ]) {
      expect(answer.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "Origin" });
    }
  });

  test("that the node itself serves may call it", async () => {
    expect((await http.post(STATS, {}, { origin: http.url })).status).toBe(200);
  });
});

describe("what machines ask", () => {
  test("is whether the node lives, and whether it should get work", async () => {
    expect(await http.send("/readyz")).toMatchObject({ status: 200, text: "ok\n" });
    const { health } = distributor;
    for (const [change, reason] of [
      [{ isDraining: true }, "draining\n"],
      [{ hasFailed: true }, "storage failed\n"],
      [{ oldestCommitMs: MAX_COMMIT_MS + 1 }, "storage has not answered a write for 5001 ms\n"],
    ] as const) {
      distributor.health = { ...health, ...change };
      expect(await http.send("/readyz")).toMatchObject({ status: 503, text: reason });
      expect((await http.send("/healthz")).status).toBe(200);
    }
  });

  test("is answered to HEAD without a body", async () => {
    for (const path of ["/healthz", "/stats", "/metrics"]) {
      const answer = await http.send(path, { verb: "HEAD" });
      expect(answer).toMatchObject({ status: 200, text: "" });
      expect(Number(answer.headers["content-length"])).toBeGreaterThan(0);
    }
  });

  test("is told where things are, at / and at any path that is not there", async () => {
    expect((await http.send("/")).json()).toMatchObject({
      sluice: "1.2.3",
      rest: expect.arrayContaining(["POST /tasks"]),
    });
    const nowhere = await http.send("/nowhere");
    expect(nowhere).toMatchObject({ status: 404 });
    expect(nowhere.json()).toMatchObject({ code: "not_found", message: expect.stringContaining("/openapi.json") });
    expect((await http.send("/sluice.v1.AdminService/Nope")).json()).toMatchObject({ code: "unimplemented" });
    const wrong = await http.send("/tasks", { verb: "PUT" });
    expect(wrong).toMatchObject({ status: 405, headers: { allow: "POST, GET" } });
    expect((await http.post("/stats", {})).status).toBe(405);
  });
});

describe("the logs", () => {
  test("have every request, for whoever wants to see them", async () => {
    await http.send("/healthz", { headers: { "user-agent": "probe/1" } });
    await eventually(() =>
      expect(http.requests).toEqual([
        {
          event: "http.request",
          verb: "GET",
          path: "/healthz",
          status: 200,
          durationMs: expect.any(Number),
          peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          agent: "probe/1",
        },
      ]),
    );
  });

  test("have what operators do by HTTP as they have it by gRPC", async () => {
    const headers = { "user-agent": "curl/8", "sluice-operator": "kim" };
    await http.post(pathOf(AdminService.method.pauseQueue), { queue: "q" }, headers);
    await http.send("/tasks/0190a8f0-1111-7222-8333-444455556666", { verb: "DELETE", headers });
    const by = { event: "operator.action", via: "http", agent: "curl/8", operator: "kim", outcome: "OK" };
    const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(http.actions).toMatchObject([
      { ...by, peer, action: "queue.pause", queue: "q" },
      { ...by, peer, action: "tasks.cancel", ids: ["0190a8f0-1111-7222-8333-444455556666"], tasks: 1 },
    ]);
  });
});
