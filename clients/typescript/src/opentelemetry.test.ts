import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Analyzer } from "./analyzer/analyzer.ts";
import type { AnalyzerEvent } from "./analyzer/analyzer-event.ts";
import type { Handler } from "./analyzer/handler.ts";
import { Emitter } from "./emitter/emitter.ts";
import type { TaskInput } from "./emitter/task-input.ts";
import { HandlerError } from "./errors.ts";
import { openTelemetry } from "./opentelemetry.ts";
import { FakeNode } from "./testing/fake-node.ts";
import type { Tracing } from "./tracing.ts";

const FOREIGN = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", tracestate: "vendor=1" };
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

let node: FakeNode;

beforeAll(() => provider.register());

beforeEach(async () => {
  node = await FakeNode.listen();
  exporter.reset();
});

afterEach(() => node.kill());

afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

/** Submits, and gives the attributes that the node got. */
async function submitted(tracing: Tracing | undefined, ...tasks: TaskInput[]): Promise<Record<string, string>[]> {
  await using emitter = new Emitter({ address: node.address, tracing });
  await emitter.submitMany(tasks);
  return node.batches.flat().map(({ attributes }) => attributes);
}

function spans() {
  return exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    status: span.status,
  }));
}

describe("an emitter that is traced", () => {
  it("sends the context of each submit's span along", async () => {
    const tasks = [{ queue: "q", type: "t", attributes: { tenant: "acme" } }, {}];
    const [first, second] = await submitted(openTelemetry(), ...tasks);
    const [one, two] = spans();
    expect(one).toMatchObject({ name: "submit q", kind: SpanKind.PRODUCER, parentId: undefined });
    expect(one?.attributes).toEqual({
      "messaging.system": "sluice",
      "messaging.operation.name": "submit",
      "messaging.operation.type": "send",
      "messaging.destination.name": "q",
      "messaging.message.id": node.batches[0]?.[0]?.id,
      "sluice.task.type": "t",
    });
    expect(first).toEqual({ tenant: "acme", traceparent: `00-${one?.traceId}-${one?.spanId}-01` });
    expect(two?.name).toBe("submit default");
    expect(second?.["traceparent"]).toContain(two?.spanId);
  });

  it("is part of what the program does, or of the trace that the attributes name", async () => {
    await provider.getTracer("program").startActiveSpan("order", async (order) => {
      await submitted(openTelemetry(), {});
      order.end();
    });
    const [submit, order] = spans();
    expect(submit).toMatchObject({ name: "submit default", parentId: order?.spanId });
    exporter.reset();
    const [, attributes] = await submitted(openTelemetry(), { attributes: FOREIGN });
    const [joined] = spans();
    expect(joined).toMatchObject({
      traceId: FOREIGN.traceparent.slice(3, 35),
      parentId: FOREIGN.traceparent.slice(36, 52),
    });
    expect(attributes).toEqual({ ...FOREIGN, traceparent: `00-${joined?.traceId}-${joined?.spanId}-01` });
  });

  it("marks what the node refuses, and what cannot be encoded or was given up", async () => {
    node.onSubmit = (tasks) => tasks.map(() => ({ error: { code: 3, message: "no such thing" } }));
    await submitted(openTelemetry(), { queue: "refused" }, { queue: "endless", payload: Symbol("x") as never });
    const emitter = new Emitter({ address: node.address, tracing: openTelemetry() });
    const abort = new AbortController();
    const given = emitter.submit({ queue: "given-up" }, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await emitter.close();
    const codes = spans().map(({ name, status, attributes }) => [name, status.code, attributes["error.type"]]);
    expect(codes.sort()).toEqual([
      ["submit endless", SpanStatusCode.ERROR, "INVALID_ARGUMENT"],
      ["submit given-up", SpanStatusCode.ERROR, "CANCELLED"],
      ["submit refused", SpanStatusCode.ERROR, "INVALID_ARGUMENT"],
    ]);
  });

  it("never makes a task too large by its trace context", async () => {
    const many = Object.fromEntries(Array.from({ length: 63 }, (_, index) => [`k${index}`, "v"]));
    const baggage = propagation.createBaggage({ large: { value: "x".repeat(5000) } });
    const inBaggage = propagation.setBaggage(context.active(), baggage);
    const [full, few] = await context.with(inBaggage, () =>
      submitted(openTelemetry(), { attributes: { ...many, last: "v" } }, {}),
    );
    expect(Object.keys(full ?? {})).toHaveLength(64);
    expect(Object.keys(few ?? {})).toEqual(["traceparent"]);
  });

  it("uses the tracer and the propagator that it is given", async () => {
    const own = new InMemorySpanExporter();
    const tracer = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(own)] }).getTracer("own");
    const propagator = {
      inject: (_context: unknown, carrier: Record<string, string>) => {
        carrier["x-trace"] = "7";
      },
      extract: () => context.active(),
      fields: () => ["x-trace"],
    };
    expect(await submitted(openTelemetry({ tracer, propagator }), { queue: "q" })).toEqual([{ "x-trace": "7" }]);
    expect(own.getFinishedSpans().map(({ name }) => name)).toEqual(["submit q"]);
    expect(spans()).toEqual([]);
  });
});

it("without tracing nothing is added and nothing traced", async () => {
  expect(await submitted(undefined, { attributes: { a: "b" } })).toEqual([{ a: "b" }]);
  expect(spans()).toEqual([]);
});

/** Runs a handler on a delivered task with these attributes. Resolves with the analyzer's events. */
async function work(handler: Handler, attributes: Record<string, string>, tracing?: Tracing): Promise<AnalyzerEvent[]> {
  const events: AnalyzerEvent[] = [];
  const analyzer = new Analyzer({
    address: node.address,
    id: "a1",
    queues: "q",
    handlers: handler,
    tracing,
    onEvent: (event) => events.push(event),
  });
  const started = analyzer.start();
  const session = await node.sessions.take();
  session.welcome();
  await started;
  session.send({ deliveries: [{ lease: 1n, attempt: 2, task: { id: "t1", queue: "q", attributes } }] });
  await session.confirm(1n);
  await analyzer.close();
  return events;
}

describe("an analyzer that is traced", () => {
  it("has a span for each attempt, a child of the submit, around what its handler does", async () => {
    let handedOn: Readonly<Record<string, string>> = {};
    const handler: Handler = async (_task, { traceContext }) => {
      await Promise.resolve();
      provider.getTracer("program").startSpan("query").end();
      handedOn = traceContext;
    };
    await work(handler, FOREIGN, openTelemetry());
    const [query, process] = spans();
    expect(process).toMatchObject({
      name: "process q",
      kind: SpanKind.CONSUMER,
      traceId: FOREIGN.traceparent.slice(3, 35),
      parentId: FOREIGN.traceparent.slice(36, 52),
      status: { code: SpanStatusCode.UNSET },
    });
    expect(process?.attributes).toEqual({
      "messaging.system": "sluice",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": "q",
      "messaging.message.id": "t1",
      "messaging.client.id": "a1",
      "sluice.task.attempt": 2,
    });
    expect(query).toMatchObject({ name: "query", parentId: process?.spanId });
    expect(handedOn).toEqual({ ...FOREIGN, traceparent: `00-${process?.traceId}-${process?.spanId}-01` });
  });

  it("marks attempts that fail, at once or later, and names the trace in its events", async () => {
    for (const handler of [
      () => Promise.reject(new HandlerError("busy", { code: "BUSY" })),
      () => {
        throw new HandlerError("busy", { code: "BUSY" });
      },
    ]) {
      exporter.reset();
      const events = await work(handler, FOREIGN, openTelemetry());
      expect(spans()).toMatchObject([
        { attributes: { "error.type": "BUSY" }, status: { code: SpanStatusCode.ERROR, message: "busy" } },
      ]);
      const failed = events.find(({ kind }) => kind === "taskFailed");
      expect(failed).toMatchObject({ traceId: FOREIGN.traceparent.slice(3, 35), taskId: "t1" });
    }
  });

  it("that is not traced still hands on what came with the task", async () => {
    let handedOn: Readonly<Record<string, string>> = {};
    const handler: Handler = (_task, { traceContext }) => {
      handedOn = traceContext;
      throw new Error("no");
    };
    const events = await work(handler, { ...FOREIGN, tenant: "acme" });
    expect(handedOn).toEqual(FOREIGN);
    expect(events.find(({ kind }) => kind === "taskFailed")).toMatchObject({
      traceId: FOREIGN.traceparent.slice(3, 35),
    });
    expect(spans()).toEqual([]);
    const untraced = await work(handler, {});
    expect(untraced.find(({ kind }) => kind === "taskFailed")).toMatchObject({ traceId: undefined });
  });
});
