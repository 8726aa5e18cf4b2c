import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpRequest } from "./http-request.ts";
import { type LoopbackServer, type Seen, startLoopbackServer } from "./testing/loopback-server.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

let server: LoopbackServer;
let elsewhere: LoopbackServer;

/** `/status/503`, `/redirect/302?to=...`, `/bytes/100`, `/never`, else an echo. */
function answer(seen: Seen, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(seen.path, "http://x");
  const [, what, argument = ""] = pathname.split("/");
  if (what === "status") response.writeHead(Number(argument)).end("x".repeat(Number(searchParams.get("bytes") ?? 4)));
  else if (what === "redirect")
    response.writeHead(Number(argument), { location: searchParams.get("to") ?? "" }).end("moved");
  else if (what === "bytes") response.end("x".repeat(Number(argument)));
  else if (what === "binary") response.end(Buffer.of(0xff, 0x00));
  else if (what === "half") response.write("half");
  else if (what !== "never") response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(seen));
}

beforeAll(async () => {
  server = await startLoopbackServer(answer);
  elsewhere = await startLoopbackServer(answer);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await elsewhere[Symbol.asyncDispose]();
});

const urlOf = (path: string, host = server.address) => `http://${host}${path}`;
const allowed = () => httpRequest(server.address);
const everywhere = httpRequest("*");

/** What the server echoed. */
function echoOf(result: unknown): unknown {
  if (typeof result === "object" && result !== null && "text" in result) return JSON.parse(String(result.text));
  throw new Error("no text came back");
}

describe("an HTTP request", () => {
  it("comes back with status, type and body", async () => {
    expect(await runHandler(allowed(), { url: urlOf("/bytes/3") })).toEqual({
      status: 200,
      url: urlOf("/bytes/3"),
      redirects: 0,
      contentType: "",
      bytes: 3,
      text: "xxx",
    });
  });

  it("is sent with method, headers and body", async () => {
    const result = await runHandler(allowed(), {
      url: urlOf("/echo"),
      method: "PUT",
      headers: { "X-Tenant": "acme", "content-type": "text/csv" },
      body: "a;ß",
    });
    expect(result).toMatchObject({ status: 200, contentType: "application/json" });
    expect(echoOf(result)).toMatchObject({
      method: "PUT",
      path: "/echo",
      headers: { "x-tenant": "acme", "content-type": "text/csv" },
      body: "a;ß",
    });
  });

  it("brings bytes that are no text as base64", async () => {
    expect(await runHandler(allowed(), { url: urlOf("/binary") })).toMatchObject({ bytes: 2, base64: "/wA=" });
  });

  it.each([200, 201, 204, 299])("with status %i is a success", async (status) => {
    expect(await runHandler(allowed(), { url: urlOf(`/status/${status}`) })).toMatchObject({ status });
  });

  it.each([429, 500, 503, 599])("H3: with status %i is tried again", async (status) => {
    const error = await failureOf(allowed(), { url: urlOf(`/status/${status}`) });
    expect(error).toMatchObject({ code: "HTTP_STATUS", nonRetryable: false, details: { status, text: "xxxx" } });
    expect(error.message).toBe(`${urlOf(`/status/${status}`)} answered ${status}`);
  });

  it.each([304, 400, 401, 404, 408])("H3: with status %i is not tried again", async (status) => {
    const error = await failureOf(allowed(), { url: urlOf(`/status/${status}`) });
    expect(error).toMatchObject({ code: "HTTP_STATUS", nonRetryable: true });
  });

  it("H3: without a connection is tried again", async () => {
    const port = await freePort();
    const error = await failureOf(everywhere, { url: `http://127.0.0.1:${port}/` });
    expect(error).toMatchObject({ code: "HTTP_UNREACHABLE", nonRetryable: false });
    expect(error.message).toMatch(new RegExp(`^no answer from 127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`));
  });

  it.each(["/never", "/half"])("H2: ends at its timeout: %s", async (path) => {
    const error = await failureOf(allowed(), { url: urlOf(path), timeoutMs: 50 });
    expect(error).toMatchObject({ code: "HTTP_TIMEOUT", nonRetryable: false, message: "no whole answer within 50 ms" });
  });

  it("ends with the reason of the signal when the task is cancelled", async () => {
    const cancel = new AbortController();
    const reason = new Error("CANCELLED");
    const before = server.seen.length;
    const run = runHandler(allowed(), { url: urlOf("/never") }, { signal: cancel.signal });
    const ended = expect(run).rejects.toBe(reason);
    while (server.seen.length === before) await new Promise((resolve) => setImmediate(resolve));
    cancel.abort(reason);
    await ended;
  });

  it("is not sent when the task is cancelled before", async () => {
    const before = server.seen.length;
    const run = runHandler(allowed(), { url: urlOf("/echo") }, { signal: AbortSignal.abort("late") });
    await expect(run).rejects.toBe("late");
    expect(server.seen).toHaveLength(before);
  });

  it("H2: takes a body up to its limit", async () => {
    expect(await runHandler(allowed(), { url: urlOf("/bytes/262144") })).toMatchObject({ bytes: 262_144 });
    const error = await failureOf(allowed(), { url: urlOf("/bytes/262145") });
    expect(error).toMatchObject({ code: "BODY_TOO_LARGE", nonRetryable: true });
  });

  it("H3: goes by the status, not by the length of what comes with it", async () => {
    const error = await failureOf(allowed(), { url: urlOf("/status/503?bytes=500000") });
    expect(error).toMatchObject({ code: "HTTP_STATUS", nonRetryable: false });
  });
});

describe("an address that is not allowed", () => {
  it.each(["", "127.0.0.1:1", "localhost"])("H1: gets nothing when %j is allowed", async (list) => {
    const before = server.seen.length;
    const error = await failureOf(httpRequest(list), { url: urlOf("/echo") });
    expect(error).toMatchObject({ code: "HTTP_NOT_ALLOWED", nonRetryable: true });
    expect(error.message).toBe(
      `requests to ${server.address} are not allowed: start the analyzer with ${server.address} in SLUICE_ALLOW_HTTP, ` +
        "a comma separated list",
    );
    expect(server.seen).toHaveLength(before);
  });

  it("H1: gets nothing by way of a redirect", async () => {
    const error = await failureOf(allowed(), { url: redirectTo(urlOf("/echo", elsewhere.address)) });
    expect(error).toMatchObject({ code: "HTTP_NOT_ALLOWED", nonRetryable: true });
    expect(error.message).toContain(elsewhere.address);
    expect(elsewhere.seen).toHaveLength(0);
  });
});

describe("a redirect", () => {
  it("is followed where that is allowed", async () => {
    const result = await runHandler(allowed(), { url: redirectTo("/echo?n=1") });
    expect(result).toMatchObject({ status: 200, redirects: 1, url: urlOf("/echo?n=1") });
  });

  it("does not take credentials to another host", async () => {
    const url = redirectTo(urlOf("/echo", elsewhere.address));
    const headers = { authorization: "Bearer 1", cookie: "a=1", "x-kept": "yes" };
    const both = httpRequest(`${server.address},${elsewhere.address}`);
    expect(echoOf(await runHandler(both, { url, headers }))).toMatchObject({ headers: { "x-kept": "yes" } });
    expect(elsewhere.seen.at(-1)?.headers).not.toHaveProperty("authorization");
    expect(elsewhere.seen.at(-1)?.headers).not.toHaveProperty("cookie");
    expect(echoOf(await runHandler(both, { url: redirectTo("/echo"), headers }))).toMatchObject({ headers });
  });

  it.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "body"],
    [308, "PUT", "PUT", "body"],
  ])("%i makes of a %s a %s", async (status, method, then, body) => {
    const result = await runHandler(allowed(), { url: redirectTo("/echo", status), method, body: "body" });
    expect(echoOf(result)).toMatchObject({ method: then, body });
  });

  it("H2: is followed five times at most", async () => {
    const chain = (length: number) => Array.from({ length }).reduce<string>((to) => redirectTo(to), urlOf("/echo"));
    expect(await runHandler(allowed(), { url: chain(5) })).toMatchObject({ redirects: 5 });
    expect(await failureOf(allowed(), { url: chain(6) })).toMatchObject({ code: "HTTP_REDIRECTS", nonRetryable: true });
  });

  it.each(["file:///etc/passwd", "http://"])("to %j is not followed", async (to) => {
    expect(await failureOf(allowed(), { url: redirectTo(to) })).toMatchObject({
      code: "HTTP_STATUS",
      nonRetryable: true,
    });
  });
});

describe("a payload for a request", () => {
  it.each([
    [{}, /url: /],
    [{ url: "ftp://127.0.0.1/" }, /url: /],
    [{ url: "/relative" }, /url: /],
    [{ url: "http://ada:secret@127.0.0.1/" }, /url: it must name no user/],
    [{ url: "http://127.0.0.1/", method: "TRACE" }, /method: /],
    [{ url: "http://127.0.0.1/", body: "x" }, /body: GET and HEAD have none/],
    [{ url: "http://127.0.0.1/", timeoutMs: 0 }, /timeoutMs: /],
    [{ url: "http://127.0.0.1/", headers: { Host: "example.org" } }, /headers\.Host: it cannot be set/],
    [{ url: "http://127.0.0.1/", headers: { "a b": "1" } }, /headers: /],
    [{ url: "http://127.0.0.1/", headers: { a: "1\r\nb: 2" } }, /headers: /],
    ["http://127.0.0.1/", /it is not JSON/],
  ])("%j is refused for good", async (payload, message) => {
    const error = await failureOf(everywhere, payload);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(/^expected JSON like {"url": "http:\/\/127\.0\.0\.1:8080\/"/);
    expect(error.message).toMatch(message);
  });
});

function redirectTo(to: string, status = 302): string {
  return urlOf(`/redirect/${status}?to=${encodeURIComponent(to)}`);
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("no port is free");
}
