import { readFileSync } from "node:fs";
import { Analyzer } from "@sluice/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { Calls } from "../../src/http/calls.ts";
import { openApi } from "../../src/http/rest/openapi.ts";
import { restRoutes } from "../../src/http/rest/routes.ts";
import { eventually, type HttpAnswer, type HttpRig, serveHttp } from "../support/http-rig.ts";
import { startNode, type TestNode } from "../support/node.ts";

const DESCRIPTION = new URL("../../docs/openapi.json", import.meta.url);
const UNKNOWN = "0190a8f0-1111-7222-8333-444455556666";

const Operation = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
  responses: z.record(
    z.string(),
    z.object({ content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })) }),
  ),
});
const Description = z.object({
  openapi: z.string(),
  info: z.object({ version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
});

let node: TestNode;
let http: HttpRig;
let description: z.infer<typeof Description>;
const analyzers: Analyzer[] = [];
/** `GET /tasks 200`: what the description says and a test has seen. */
const seen = new Set<string>();

beforeAll(async () => {
  node = await startNode({ settings: { drainMs: 0 } });
  http = await serveHttp(node.engine);
  description = Description.parse((await http.send("/openapi.json")).json());
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
  expect(node.faults).toEqual([]);
});
beforeEach(() => expect(http.logged).toEqual([]));
afterEach(async () => {
  await Promise.all(analyzers.splice(0).map((analyzer) => analyzer.close()));
});

/** Asks, and holds the answer against what the description promises for this path and status. */
async function ask(verb: string, path: string, body?: unknown): Promise<HttpAnswer> {
  const answer = body === undefined ? await http.send(path, { verb }) : await http.post(path, body);
  const [target = ""] = path.split("?");
  const template = Object.keys(description.paths).find((each) =>
    new RegExp(`^${each.replace("{id}", "[^/]+")}$`).test(target),
  );
  const responses = description.paths[template ?? ""]?.[verb.toLowerCase()]?.responses ?? {};
  const promised = responses[answer.status] ?? responses["default"];
  const schema = promised?.content["application/json"]?.schema;
  if (schema === undefined) throw new Error(`the description does not know ${verb} ${path}`);
  expect(z.fromJSONSchema(schema).safeParse(answer.json()).error?.issues ?? []).toEqual([]);
  seen.add(`${verb} ${template} ${answer.status}`);
  return answer;
}

const Id = z.object({ id: z.string() });

async function submitted(body: unknown): Promise<string> {
  const answer = await ask("POST", "/tasks", body);
  expect(answer.status).toBe(201);
  const { id } = Id.parse(answer.json());
  expect(answer.headers.location).toBe(`/tasks/${id}`);
  return id;
}

async function analyzer(queue: string, handler: () => unknown): Promise<void> {
  const started = new Analyzer({ address: node.address, queues: [queue], handlers: handler, drainTimeoutMs: 0 });
  analyzers.push(started);
  await started.start();
}

/** The task once it is in this state. */
function taskIn(id: string, state: string): Promise<unknown> {
  return eventually(async () => {
    const task = (await ask("GET", `/tasks/${id}`)).json();
    expect(task).toMatchObject({ state });
    return task;
  });
}

describe("POST /tasks", () => {
  test("submits a task with everything that it may have, which is shown as it was given", async () => {
    const body = {
      id: "0190a8f0-1111-7222-8333-444455550001",
      queue: "all",
      type: "mail",
      payload: { to: ["a"], n: 1 },
      attributes: { tenant: "t1" },
      priority: 9,
      notBefore: "2100-01-01T00:00:00+01:00",
      timeoutMs: 1000,
      retry: { maxAttempts: 5, initialBackoffMs: 10, backoffFactor: 3, maxBackoffMs: 1000 },
      fairnessKey: "t1",
      fairnessWeight: 2,
    };
    const id = await submitted(body);
    const shown = (await ask("GET", `/tasks/${id}`)).json();
    expect(shown).toMatchObject({
      id,
      queue: "all",
      type: "mail",
      payload: { to: ["a"], n: 1 },
      contentType: "application/json",
      attributes: { tenant: "t1" },
      priority: 9,
      state: "SCHEDULED",
      dueTime: "2099-12-31T23:00:00.000Z",
      fairnessKey: "t1",
      attempts: 0,
      history: [],
    });
    const again = await ask("POST", "/tasks", body);
    expect(again).toMatchObject({ status: 200 });
    expect(again.json()).toEqual({ id, duplicate: true });
    const other = await ask("POST", "/tasks", { ...body, payload: 2 });
    expect(other.status).toBe(409);
    expect(other.json()).toMatchObject({ code: "already_exists" });
  });

  test("takes payloads as text and as bytes", async () => {
    const text = await submitted({ queue: "forms", payloadText: "grüß dich" });
    expect((await ask("GET", `/tasks/${text}`)).json()).toMatchObject({
      payloadText: "grüß dich",
      contentType: "text/plain; charset=utf-8",
    });
    const bytes = await submitted({ queue: "forms", payloadBase64: "/wA=", contentType: "image/x-tiny" });
    expect((await ask("GET", `/tasks/${bytes}`)).json()).toMatchObject({
      payloadBase64: "/wA=",
      contentType: "image/x-tiny",
    });
  });

  test.each([
    [{ quue: "q" }, 'Unrecognized key: "quue"'],
    [{ priority: 10 }, "priority must be 0 to 9"],
    [{ priority: -1 }, "invalid uint32: -1"],
    [{ queue: "no name" }, "queue must be"],
    [{ payload: 1, payloadText: "2" }, "one of"],
    [{ delayMs: 1, notBefore: "2100-01-01T00:00:00Z" }, "one of delayMs and notBefore"],
    [{ notBefore: "tomorrow" }, "notBefore"],
    [[], "expected object"],
  ])("refuses %o and says what to mend", async (body, message) => {
    const answer = await ask("POST", "/tasks", body);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(message) });
  });

  test("refuses what is no JSON", async () => {
    const headers = { "content-type": "application/json" };
    const broken = await http.send("/tasks", { verb: "POST", headers, body: "{oops" });
    expect(broken.status).toBe(400);
    expect(broken.json()).toMatchObject({ message: expect.stringContaining("not JSON") });
    const form = await http.send("/tasks", { verb: "POST", body: "a=b" });
    expect(form.status).toBe(415);
    expect(form.json()).toMatchObject({ message: expect.stringContaining("--json") });
  });

  test("refuses what the queue has no room for, with a hint", async () => {
    await node.engine.configureQueue("narrow", { maxWaiting: 1 });
    await submitted({ queue: "narrow" });
    const answer = await ask("POST", "/tasks", { queue: "narrow" });
    expect(answer).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  });
});

describe("a task", () => {
  test("that has completed is shown with its result", async () => {
    await analyzer("results", () => ({ answer: 42 }));
    const id = await submitted({ queue: "results", payload: null });
    expect(await taskIn(id, "COMPLETED")).toMatchObject({
      result: { output: { answer: 42 }, contentType: "application/json" },
      analyzerId: expect.any(String),
      startTime: expect.any(String),
      endTime: expect.any(String),
    });
    const cancelled = await ask("DELETE", `/tasks/${id}`);
    expect(cancelled.status).toBe(409);
    expect(cancelled.json()).toMatchObject({ message: expect.stringContaining("COMPLETED") });
  });

  test("that is a dead letter is shown with its errors, and goes back to work", async () => {
    let isMended = false;
    await analyzer("dead", () => {
      if (!isMended) throw new Error("disk full");
      return "done";
    });
    const id = await submitted({ queue: "dead", retry: { maxAttempts: 1 } });
    expect(await taskIn(id, "FAILED")).toMatchObject({
      error: { message: "disk full" },
      history: [{ attempt: 1, error: { message: "disk full" } }],
    });
    isMended = true;
    const retried = await ask("POST", `/tasks/${id}/retry`);
    expect(retried.json()).toEqual({ id, state: "PENDING" });
    expect(await taskIn(id, "COMPLETED")).toMatchObject({ result: { outputText: "done" } });
    expect((await ask("POST", `/tasks/${id}/retry`)).status).toBe(409);
  });

  test("that waits is cancelled at once, one that runs when its analyzer has stopped", async () => {
    const waiting = await submitted({ queue: "nobody" });
    const cancelled = await ask("DELETE", `/tasks/${waiting}`);
    expect(cancelled.json()).toEqual({ id: waiting, state: "CANCELLED" });
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    await analyzer("slow", () => stopped);
    const running = await submitted({ queue: "slow" });
    await taskIn(running, "RUNNING");
    const requested = await ask("DELETE", `/tasks/${running}`);
    expect(requested).toMatchObject({ status: 202 });
    expect(requested.json()).toEqual({ id: running, state: "RUNNING" });
    stop();
    await taskIn(running, "CANCELLED");
  });

  test.each(["GET", "DELETE"])("that nobody knows is 404 for %s", async (verb) => {
    const answer = await ask(verb, `/tasks/${UNKNOWN}`);
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ code: "not_found", message: expect.stringContaining(UNKNOWN) });
    expect((await ask("POST", `/tasks/${UNKNOWN}/retry`)).status).toBe(404);
  });
});

const Page = z.object({ tasks: z.array(z.object({ id: z.string() })), nextCursor: z.string().optional() });

describe("GET /tasks", () => {
  test("lists a page at a time, by queue, state and type, without payloads", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await submitted({ queue: "pages", type: "t", payload: index }));
    await submitted({ queue: "pages", type: "other" });
    const found: string[] = [];
    let cursor = "";
    do {
      const path = `/tasks?queue=pages&state=pending,Running&type=t&limit=2${cursor}`;
      const answer = await ask("GET", path);
      expect(answer.text).not.toContain('"payload"');
      const page = Page.parse(answer.json());
      expect(page.tasks.length).toBeLessThanOrEqual(2);
      found.push(...page.tasks.map(({ id }) => id));
      cursor = page.nextCursor === undefined ? "" : `&cursor=${encodeURIComponent(page.nextCursor)}`;
    } while (cursor !== "");
    expect(found).toEqual(ids);
    const newest = Page.parse((await ask("GET", "/tasks?queue=pages&state=pending&type=t&newest=true&limit=1")).json());
    expect(newest.tasks).toMatchObject([{ id: ids.at(-1) }]);
  });

  test.each([
    ["?stat=pending", 'Unrecognized key: "stat"'],
    ["?state=waiting", "pending, scheduled"],
    ["?limit=0", "limit"],
    ["?limit=many", "limit"],
    ["?queue=a&queue=b", "more than once"],
    ["?cursor=nonsense", "start again without it"],
    ["?queue=a%20b", "filter.queue must be"],
  ])("refuses %s and says what to mend", async (query, message) => {
    const answer = await ask("GET", `/tasks${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ message: expect.stringContaining(message) });
  });
});

describe("the figures", () => {
  test("show who works and what waits", async () => {
    await analyzer("figures", () => "done");
    await submitted({ queue: "figures" });
    await eventually(async () => {
      const stats = (await ask("GET", "/stats")).json();
      expect(stats).toMatchObject({
        analyzers: 1,
        draining: false,
        queues: expect.arrayContaining([
          { ...expectedQueue(), name: "figures", submitted: 1, delivered: 1, completed: 1 },
        ]),
      });
    });
    expect((await ask("GET", "/workers")).json()).toMatchObject({
      workers: expect.arrayContaining([expect.objectContaining({ state: "ATTACHED", queues: ["figures"], weight: 1 })]),
    });
  });

  function expectedQueue() {
    return { paused: false, waiting: 0, running: 0, failed: 0, headWaitMs: 0 };
  }
});

describe("the description", () => {
  test("is committed as it is served: curl -s http://127.0.0.1:7080/openapi.json > docs/openapi.json", () => {
    const committed: unknown = JSON.parse(readFileSync(DESCRIPTION, "utf8"));
    const { version } = Description.parse(committed).info;
    expect(committed).toEqual(JSON.parse(JSON.stringify(openApi(restRoutes(new Calls([])), version))));
  });

  test("names every route, and nothing else", () => {
    const routes = restRoutes(new Calls([])).map(({ verb, path }) => `${verb} ${path}`);
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(routes.sort());
  });

  test("has no answer that was not seen above", () => {
    const promised = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([verb, { responses }]) =>
        Object.keys(responses).map((status) => `${verb.toUpperCase()} ${path} ${status}`),
      ),
    );
    expect(promised.filter((answer) => !answer.endsWith(" default") && !seen.has(answer))).toEqual([]);
  });

  test("would notice an answer of another shape", () => {
    const schema = description.paths["/stats"]?.["get"]?.responses["200"]?.content["application/json"]?.schema ?? {};
    expect(z.fromJSONSchema(schema).safeParse({ version: "1" }).success).toBe(false);
  });
});
