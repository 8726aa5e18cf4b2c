import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CancelReason, DrainReason, HeldState, type WorkRequest } from "../contract.ts";
import { HandlerAbortedError, HandlerError } from "../errors.ts";
import { FakeNode, type FakeSession } from "../testing/fake-node.ts";
import { Mailbox } from "../testing/mailbox.ts";
import { Analyzer } from "./analyzer.ts";
import type { AnalyzerEvent } from "./analyzer-event.ts";
import type { AnalyzerOptions } from "./analyzer-options.ts";
import type { Handler, HandlerContext } from "./handler.ts";
import type { ReceivedTask } from "./received-task.ts";

let node: FakeNode;
let analyzers: Analyzer[];
let events: Mailbox<AnalyzerEvent>;

beforeEach(async () => {
  node = await FakeNode.listen();
  analyzers = [];
  events = new Mailbox("event");
});

afterEach(async () => {
  node.kill();
  await Promise.all(analyzers.map((analyzer) => analyzer.close()));
});

function analyzerOf(handlers: AnalyzerOptions["handlers"], options: Partial<AnalyzerOptions> = {}): Analyzer {
  const analyzer = new Analyzer({
    address: node.address,
    id: "a1",
    queues: "q",
    concurrency: 4,
    handlers,
    drainTimeoutMs: 100,
    onEvent: (event) => events.put(event),
    ...options,
  });
  analyzers.push(analyzer);
  return analyzer;
}

async function attach(analyzer: Analyzer, welcome = {}): Promise<FakeSession> {
  const started = analyzer.start();
  const session = await node.sessions.take();
  session.welcome(welcome);
  await started;
  return session;
}

/** A handler that tests finish by hand. */
class ManualHandler {
  readonly calls = new Mailbox<{ task: ReceivedTask; context: HandlerContext; finish: (value?: unknown) => void }>(
    "call",
  );
  readonly handle: Handler = (task, context) =>
    new Promise((finish) => this.calls.put({ task, context, finish: (value) => finish(value) }));
}

const hasCredit = (frame: WorkRequest): boolean => frame.credit > 0;

describe("a session", () => {
  it("says who it is and grants its concurrency after the welcome", async () => {
    const analyzer = analyzerOf(() => {}, {
      queues: ["q", { queue: "r", weight: 2 }],
      weight: 0.4,
      version: "1.2",
      labels: { zone: "a" },
    });
    const session = await attach(analyzer);
    expect(session.hello).toMatchObject({
      analyzerId: "a1",
      queues: [
        { queue: "q", weight: 1 },
        { queue: "r", weight: 2 },
      ],
      weight: 0.4,
      maxInFlight: 4,
      held: [],
      version: "1.2",
      labels: { zone: "a" },
    });
    expect((await session.frames.take()).credit).toBe(4);
    expect(analyzer.stats).toMatchObject({ attached: true, credit: 4, sessions: 1 });
  });

  it("keeps to the smaller limit of the node", async () => {
    const session = await attach(
      analyzerOf(() => {}),
      { maxInFlight: 3 },
    );
    expect((await session.frames.take()).credit).toBe(3);
  });

  it("without a concurrency of its own leaves it to the node", async () => {
    const analyzer = analyzerOf(() => {}, { concurrency: undefined, weight: 0.4 });
    expect(analyzer.stats).toMatchObject({ weight: 0.4, concurrency: 4 });
    const session = await attach(analyzer, { maxInFlight: 7 });
    expect(session.hello.maxInFlight).toBe(0);
    expect((await session.frames.take()).credit).toBe(7);
    expect(analyzer.stats.concurrency).toBe(7);
  });

  it("returns results and fresh credit in one frame", async () => {
    const analyzer = analyzerOf((task) => ({ id: task.id }));
    const session = await attach(analyzer);
    await session.frames.take(hasCredit);
    session.deliver([1n, "t1"], [2n, "t2"], [3n, "t3"]);
    const frame = await session.frames.take();
    expect(frame.credit).toBe(3);
    expect(frame.results).toMatchObject([
      { lease: 1n, outcome: { case: "success", value: { contentType: "application/json" } } },
      { lease: 2n },
      { lease: 3n },
    ]);
    session.send({ receipts: { accepted: [1n, 2n, 3n] } });
    expect(analyzer.stats).toMatchObject({ delivered: 3, succeeded: 3, running: 0, credit: 4 });
  });

  it("chooses the handler by type and reports failures", async () => {
    const analyzer = analyzerOf({
      ok: () => "fine",
      throws: () => {
        throw new Error("boom");
      },
      rejects: async () => {
        throw new HandlerError("no such video", { code: "GONE", nonRetryable: true, details: { n: 1 } });
      },
      huge: () => new Uint8Array(2_000_000),
    });
    const session = await attach(analyzer);
    const types = ["ok", "throws", "rejects", "huge"];
    session.deliver(...types.map((type, index): [bigint, string, string] => [BigInt(index + 1), `t${index}`, type]));
    const results = new Map((await session.results(4)).map((result) => [result.lease, result.outcome]));
    expect(results.get(1n)).toMatchObject({ case: "success", value: { output: Buffer.from("fine") } });
    expect(results.get(2n)).toMatchObject({
      case: "failure",
      value: { error: { code: "HANDLER_ERROR", message: "boom" }, nonRetryable: false },
    });
    expect(results.get(3n)).toMatchObject({
      case: "failure",
      value: { error: { code: "GONE", message: "no such video", details: Buffer.from('{"n":1}') }, nonRetryable: true },
    });
    expect(results.get(4n)).toMatchObject({ value: { error: { code: "OUTPUT_TOO_LARGE" }, nonRetryable: true } });
    session.deliver([5n, "t5", "unknown"]);
    expect(await session.results(1)).toMatchObject([{ outcome: { value: { error: { code: "NO_HANDLER" } } } }]);
    expect(await events.take((event) => event.kind === "taskFailed")).toMatchObject({
      taskId: "t1",
      code: "HANDLER_ERROR",
    });
  });

  it("sends heartbeats at the node's interval while handlers work, with progress", async () => {
    const handler = new ManualHandler();
    const session = await attach(analyzerOf(handler.handle), { heartbeatMs: 20 });
    session.deliver([7n, "t7"]);
    const { context } = await handler.calls.take();
    context.progress(12.4, "début");
    context.progress(140, "end");
    const isReport = (frame: WorkRequest): boolean => (frame.heartbeat?.progress.length ?? 0) > 0;
    const report = await session.frames.take(isReport);
    expect(report.heartbeat?.progress).toMatchObject([{ lease: 7n, percent: 100, note: "end" }]);
    const next = await session.frames.take((frame) => frame.heartbeat !== undefined);
    expect(next.heartbeat?.progress).toEqual([]);
  });
});

describe("a slow reader", () => {
  it("is not flooded: results wait and no credit is granted until it reads again (A3)", async () => {
    const size = 60;
    const analyzer = analyzerOf(() => new Uint8Array(1_000_000), { concurrency: size });
    const session = await attach(analyzer);
    await session.frames.take(hasCredit);
    session.pause();
    session.deliver(...Array.from({ length: size }, (_, index): [bigint, string] => [BigInt(index + 1), `t${index}`]));
    await vi.waitFor(() => expect(analyzer.stats).toMatchObject({ succeeded: size, running: 0 }));
    await vi.waitFor(() => expect(analyzer.stats.credit).toBeGreaterThan(0));
    expect(analyzer.stats.credit).toBeLessThan(size / 2);
    session.resume();
    expect(await session.results(size)).toHaveLength(size);
    expect(analyzer.stats.credit).toBe(size);
  });
});

describe("a change of the weight", () => {
  it("to more grants the new room at once", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle, { concurrency: undefined });
    const session = await attach(analyzer, { maxInFlight: 10 });
    await session.frames.take(hasCredit);
    session.deliver([1n, "t1"]);
    session.send({ change: { weight: 3, maxInFlight: 30 } });
    expect(await session.frames.take()).toMatchObject({ results: [], credit: 20 });
    expect(await events.take((event) => event.kind === "weightChanged")).toEqual({
      kind: "weightChanged",
      weight: 3,
      concurrency: 30,
    });
    expect(analyzer.stats).toMatchObject({ weight: 3, concurrency: 30, running: 1, credit: 29 });
  });

  it("to less grants nothing until what runs and is granted fits", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle, { concurrency: undefined });
    const session = await attach(analyzer, { maxInFlight: 3 });
    await session.frames.take(hasCredit);
    session.deliver([1n, "t1"], [2n, "t2"]);
    session.send({ change: { weight: 0.1, maxInFlight: 1 } });
    const calls = [await handler.calls.take(), await handler.calls.take()];
    await events.take((event) => event.kind === "weightChanged");
    for (const { finish } of calls) finish();
    const credits: number[] = [];
    let results = 0;
    while (results < 2) {
      const frame = await session.frames.take();
      results += frame.results.length;
      credits.push(frame.credit);
    }
    expect(credits.reduce((sum, credit) => sum + credit, 0)).toBe(0);
    // The third credit had been granted before; it is used like any other.
    session.deliver([3n, "t3"]);
    (await handler.calls.take()).finish();
    expect(await session.frames.take()).toMatchObject({ results: [{ lease: 3n }], credit: 1 });
  });

  it("is only the weight's when the analyzer has a concurrency of its own", async () => {
    const analyzer = analyzerOf(() => {});
    const session = await attach(analyzer);
    await session.frames.take(hasCredit);
    session.send({ change: { weight: 5, maxInFlight: 4 } });
    expect(await events.take((event) => event.kind === "weightChanged")).toMatchObject({ weight: 5, concurrency: 4 });
    expect(analyzer.stats).toMatchObject({ weight: 5, concurrency: 4, credit: 4 });
  });

  it("survives a reconnect, not the analyzer", async () => {
    const session = await attach(
      analyzerOf(() => {}, { concurrency: undefined }),
      { maxInFlight: 10 },
    );
    session.send({ change: { weight: 3, maxInFlight: 30 } });
    await events.take((event) => event.kind === "weightChanged");
    session.end();
    const second = await node.sessions.take();
    expect(second.hello).toMatchObject({ weight: 3, maxInFlight: 0 });
    second.welcome({ maxInFlight: 30 });
    expect((await second.frames.take()).credit).toBe(30);
    const other = await attach(analyzerOf(() => {}, { id: "a2" }));
    expect(other.hello.weight).toBe(1);
  });
});

describe("signals", () => {
  it("fires on cancel, and answers the lease with whatever the handler returns", async () => {
    const handler = new ManualHandler();
    const session = await attach(analyzerOf(handler.handle));
    session.deliver([1n, "t1"]);
    const { context, finish } = await handler.calls.take();
    const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    session.send({ cancels: [{ lease: 1n, reason: CancelReason.CANCELLED }] });
    await aborted;
    expect(context.signal.reason).toBeInstanceOf(HandlerAbortedError);
    expect(context.signal.reason).toMatchObject({ reason: "CANCELLED" });
    finish("stopped");
    expect(await session.results(1)).toMatchObject([{ lease: 1n }]);
  });

  it("fires on timeout, sends no result, and grants the place again when the handler is back", async () => {
    const handler = new ManualHandler();
    const session = await attach(analyzerOf(handler.handle));
    await session.frames.take(hasCredit);
    session.deliver([1n, "t1"]);
    const { context, finish } = await handler.calls.take();
    session.send({ cancels: [{ lease: 1n, reason: CancelReason.TIMEOUT }] });
    expect(await events.take((event) => event.kind === "leaseLost")).toMatchObject({ taskId: "t1", reason: "TIMEOUT" });
    expect(context.signal.reason).toMatchObject({ reason: "TIMEOUT", code: "DEADLINE_EXCEEDED" });
    finish();
    expect(await session.frames.take()).toMatchObject({ results: [], credit: 1 });
  });

  it("tells of a result that came too late", async () => {
    const session = await attach(analyzerOf(() => {}));
    session.deliver([1n, "t1"]);
    await session.results(1);
    session.send({ receipts: { stale: [1n] } });
    expect(await events.take((event) => event.kind === "leaseLost")).toMatchObject({ lease: 1n, reason: "STALE" });
  });
});

describe("reconnects", () => {
  it("takes its leases along: sends kept results again, drops recorded ones, stops what is lost", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle);
    const first = await attach(analyzer);
    first.deliver([1n, "running"], [2n, "unconfirmed"], [3n, "recorded"], [4n, "lost"]);
    const calls: Awaited<ReturnType<typeof handler.calls.take>>[] = [];
    for (let count = 0; count < 4; count++) calls.push(await handler.calls.take());
    calls[1]?.finish("two");
    calls[2]?.finish("three");
    await first.results(2);
    const port = node.port;
    node.kill();
    node = await FakeNode.listen(port);

    const second = await node.sessions.take();
    expect(second.hello.analyzerId).toBe("a1");
    expect(second.hello.held).toMatchObject([
      { lease: 2n, taskId: "unconfirmed", attempt: 1 },
      { lease: 3n, taskId: "recorded", attempt: 1 },
      { lease: 1n, taskId: "running", attempt: 1 },
      { lease: 4n, taskId: "lost", attempt: 1 },
    ]);
    second.welcome({
      held: [
        { lease: 2n, state: HeldState.ADOPTED },
        { lease: 3n, state: HeldState.RECORDED },
        { lease: 1n, state: HeldState.ADOPTED },
        { lease: 4n, state: HeldState.LOST },
      ],
    });
    const frame = await second.frames.take();
    expect(frame.results).toMatchObject([{ lease: 2n, outcome: { value: { output: Buffer.from("two") } } }]);
    // Four places: one handler works on a live lease, one on a lost one.
    expect(frame.credit).toBe(2);
    expect(await events.take((event) => event.kind === "leaseLost")).toMatchObject({ lease: 4n, reason: "LEASE_LOST" });
    expect(calls[3]?.context.signal.reason).toMatchObject({ reason: "LEASE_LOST" });
    expect(calls[0]?.context.signal.aborted).toBe(false);
    calls[0]?.finish("one");
    expect(await second.results(1)).toMatchObject([{ lease: 1n }]);
    calls[3]?.finish("four");
    expect(await second.frames.take(hasCredit)).toMatchObject({ results: [] });
  });

  it("stops handlers whose task was cancelled while it was away", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle);
    const first = await attach(analyzer);
    first.deliver([1n, "t1"]);
    const { context, finish } = await handler.calls.take();
    first.end();
    const second = await node.sessions.take();
    second.welcome({ held: [{ lease: 1n, state: HeldState.RECORDED }] });
    expect(await events.take((event) => event.kind === "leaseLost")).toMatchObject({ lease: 1n, reason: "CANCELLED" });
    expect(context.signal.reason).toMatchObject({ reason: "CANCELLED" });
    expect(await second.frames.take()).toMatchObject({ credit: 3 });
    finish();
    // Its place is free again, and there is nobody to answer to.
    expect(await second.frames.take()).toMatchObject({ results: [], credit: 1 });
    expect(analyzer.stats).toMatchObject({ lost: 1, succeeded: 0 });
  });

  it("lists fewer leases when a node takes no more, instead of giving up", async () => {
    const first = await attach(analyzerOf((task) => task.id, { concurrency: 2 }));
    for (const lease of [1n, 2n, 3n]) {
      await first.frames.take(hasCredit);
      first.deliver([lease, `t${lease}`]);
    }
    await first.frames.take(hasCredit);
    first.end();
    const second = await node.sessions.take();
    expect(second.hello.held).toHaveLength(3);
    second.fail(status.INVALID_ARGUMENT, "hello.held names 3 leases, more than max_in_flight");
    const third = await node.sessions.take();
    expect(third.hello.held).toHaveLength(2);
    third.welcome({ held: third.hello.held.map(({ lease }) => ({ lease, state: HeldState.ADOPTED })) });
    expect(await third.results(2)).toHaveLength(2);
  });

  it("keeps trying until a node is there, and fails over to another address", async () => {
    const away = await FakeNode.listen();
    away.kill();
    const analyzer = analyzerOf(() => {}, { address: [away.address, node.address] });
    await attach(analyzer);
    expect((await events.take((event) => event.kind === "attached")).kind).toBe("attached");
    const alone = analyzerOf(() => {}, { address: away.address });
    const started = alone.start();
    expect(await events.take((event) => event.kind === "detached")).toMatchObject({ error: { code: "UNAVAILABLE" } });
    const back = await FakeNode.listen(away.port);
    (await back.sessions.take()).welcome();
    await started;
    await alone.close();
    back.kill();
  });

  it("connects again when the node ends the session without being asked", async () => {
    const session = await attach(analyzerOf(() => {}));
    session.end();
    expect((await node.sessions.take()).hello.held).toEqual([]);
    expect(await events.take((event) => event.kind === "detached")).toMatchObject({ error: { code: "UNAVAILABLE" } });
  });

  it("connects again when results get no receipts for a lease time", async () => {
    const session = await attach(
      analyzerOf(() => {}),
      { heartbeatMs: 10, leaseMs: 30 },
    );
    session.deliver([1n, "t1"]);
    const second = await node.sessions.take();
    expect(second.hello.held).toMatchObject([{ lease: 1n }]);
  });

  it("stops for good when the node refuses it", async () => {
    const analyzer = analyzerOf(() => {}, { weight: 2_000_000 });
    const started = analyzer.start();
    (await node.sessions.take()).fail(status.INVALID_ARGUMENT, "weight is above 1000000");
    await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: "weight is above 1000000" });
    await expect(analyzer.closed).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("stops for good when another session took its id, but not when its heartbeats were late", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle);
    const first = await attach(analyzer);
    first.fail(status.DEADLINE_EXCEEDED, "took over"); // no text decides, only the code
    const second = await node.sessions.take();
    second.welcome();
    second.deliver([1n, "t1"]);
    const { context } = await handler.calls.take();
    second.fail(status.ABORTED, "");
    await expect(analyzer.closed).rejects.toMatchObject({ code: "ABORTED" });
    expect(context.signal.reason).toMatchObject({ reason: "LEASE_LOST" });
    await analyzer.close();
  });
});

describe("drain", () => {
  it("close finishes running handlers, hands back what is unstarted, and awaits receipts", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle, { drainTimeoutMs: 10_000 });
    const session = await attach(analyzer);
    session.deliver([1n, "t1"]);
    const { finish } = await handler.calls.take();
    let closed = false;
    const closing = analyzer.close().then(() => {
      closed = true;
    });
    session.deliver([2n, "t2"]);
    expect((await session.frames.take((frame) => frame.releases.length > 0)).releases).toEqual([2n]);
    finish();
    const result = await session.frames.take(({ results }) => results.length > 0);
    expect(result.credit).toBe(0);
    expect(closed).toBe(false);
    session.send({ receipts: { accepted: [1n, 2n] } });
    await session.halfClosed.take();
    await closing;
    await analyzer.closed;
    expect(await events.take((event) => event.kind === "drained")).toEqual({ kind: "drained", abandoned: 0 });
    expect(analyzer.stats).toMatchObject({ delivered: 1, released: 1, succeeded: 1, running: 0 });
  });

  it("close gives up on handlers after the drain timeout and ends the stream", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle, { drainTimeoutMs: 20 });
    const session = await attach(analyzer);
    session.deliver([1n, "t1"]);
    const { context } = await handler.calls.take();
    const closing = analyzer.close();
    await session.halfClosed.take();
    expect(context.signal.reason).toMatchObject({ reason: "CLOSING" });
    await closing;
    expect(await events.take((event) => event.kind === "drained")).toEqual({ kind: "drained", abandoned: 1 });
  });

  it("close before start, before the welcome, and without a node ends at once", async () => {
    await analyzerOf(() => {}).close();
    const opening = analyzerOf(() => {});
    const started = opening.start();
    await node.sessions.take();
    await Promise.all([expect(started).rejects.toMatchObject({ code: "CANCELLED" }), opening.close()]);
    node.kill();
    const lonely = analyzerOf(() => {});
    lonely.start().catch(() => {});
    await events.take((event) => event.kind === "detached");
    await lonely.close();
    await lonely.closed;
  });

  it("an operator's drain ends the analyzer", async () => {
    const analyzer = analyzerOf(() => {});
    const session = await attach(analyzer);
    session.deliver([1n, "t1"]);
    await session.results(1);
    session.send({ drain: { reason: DrainReason.OPERATOR, deadlineMs: 1000 } });
    session.send({ receipts: { accepted: [1n] } });
    await session.halfClosed.take();
    await analyzer.closed;
  });

  it("ends when the node's deadline is over before ours: its tasks are with others", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle, { drainTimeoutMs: 10_000 });
    const session = await attach(analyzer);
    session.deliver([1n, "t1"]);
    const { context } = await handler.calls.take();
    session.send({ drain: { reason: DrainReason.OPERATOR, deadlineMs: 10 } });
    await events.take((event) => event.kind === "draining");
    session.fail(status.DEADLINE_EXCEEDED, "the drain's deadline has passed");
    await analyzer.closed;
    expect(context.signal.reason).toMatchObject({ reason: "CLOSING" });
    expect(await events.take((event) => event.kind === "drained")).toEqual({ kind: "drained", abandoned: 1 });
  });

  it("a stopping node gets its results and the unstarted back, then the analyzer connects again", async () => {
    const handler = new ManualHandler();
    const analyzer = analyzerOf(handler.handle);
    const session = await attach(analyzer);
    session.deliver([1n, "t1"]);
    const { finish } = await handler.calls.take();
    session.send({
      drain: { reason: DrainReason.NODE_STOPPING, deadlineMs: 1000 },
      deliveries: [{ lease: 2n, attempt: 1, task: { id: "t2" } }],
    });
    expect((await session.frames.take((frame) => frame.releases.length > 0)).releases).toEqual([2n]);
    finish();
    await session.confirm(1n);
    await session.halfClosed.take();
    const second = await node.sessions.take();
    expect(second.hello.held).toEqual([]);
    second.welcome();
    expect((await second.frames.take()).credit).toBe(4);
  });
});

describe("options", () => {
  it("refuses what could never work", () => {
    const wrong: Partial<AnalyzerOptions>[] = [
      { weight: 0 },
      { concurrency: 0 },
      { queues: [] },
      { handlers: {} },
      { address: "localhost" },
      { address: [] },
    ];
    for (const options of wrong) {
      expect(() => analyzerOf(() => {}, options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
  });

  it("makes an id that the contract allows", () => {
    expect(analyzerOf(() => {}, { id: undefined }).id).toMatch(/^[A-Za-z0-9._:/-]{1,128}$/);
  });
});
