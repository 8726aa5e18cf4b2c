import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { propagation, SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { type TaskSpec, TaskSpecSchema } from "@sluice/client/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeTask } from "../../../test/support/tasks.ts";
import { DEFAULT_RETRY } from "../../core/limits.ts";
import type { ClaimedTask } from "../../store/port.ts";
import { TaskSpans } from "./task-spans.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACED = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
const SUBMITTED_MS = 1_700_000_000_000;
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const spans = new TaskSpans(provider.getTracer("test"));

beforeAll(() => provider.register());
beforeEach(() => exporter.reset());
afterAll(() => propagation.disable());

function claimed(spec: MessageInitShape<typeof TaskSpecSchema>, attempts = 0): ClaimedTask {
  const encoded = toBinary(TaskSpecSchema, create(TaskSpecSchema, spec));
  const facts = { id: "t1", queue: "q", type: "", timeoutMs: 0, retry: DEFAULT_RETRY };
  return { ...facts, lease: 1, attempts, submittedMs: SUBMITTED_MS, spec: encoded };
}

/** What the finished spans say: name, kind, times from the submit on. */
function finished() {
  return exporter.getFinishedSpans().map(({ name, kind, startTime, endTime, parentSpanContext }) => {
    expect(parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: "00f067aa0ba902b7" });
    const [from, until] = [startTime, endTime].map(([s, nanos]) => Math.round(s * 1e3 + nanos / 1e6) - SUBMITTED_MS);
    return [name, kind, from, until];
  });
}

describe("the spans of a node", () => {
  it("are one from the submit to its commit, and one from there to the delivery", () => {
    spans.accepted(makeTask(1, { attributes: TRACED }), SUBMITTED_MS - 2, SUBMITTED_MS + 3);
    expect(spans.delivered(claimed({ attributes: TRACED }), "a1", SUBMITTED_MS + 500)).toBe(TRACE_ID);
    expect(finished()).toEqual([
      ["accept q", SpanKind.SERVER, -2, 3],
      ["wait q", SpanKind.INTERNAL, 0, 500],
    ]);
    expect(exporter.getFinishedSpans()[1]?.attributes).toEqual({
      "messaging.system": "sluice",
      "messaging.operation.name": "wait",
      "messaging.destination.name": "q",
      "messaging.message.id": "t1",
      "messaging.client.id": "a1",
    });
  });

  it("leave out the time before a delayed task was ready", () => {
    const delay: TaskSpec["start"] = { case: "delayMs", value: 300 };
    const later: TaskSpec["start"] = { case: "notBefore", value: timestampFromMs(SUBMITTED_MS + 400) };
    const past: TaskSpec["start"] = { case: "notBefore", value: timestampFromMs(SUBMITTED_MS - 400) };
    for (const start of [delay, later, past])
      spans.delivered(claimed({ attributes: TRACED, start }), "a1", SUBMITTED_MS + 500);
    expect(finished().map(([, , from]) => from)).toEqual([300, 400, 0]);
  });

  it("end before no clock has begun them", () => {
    spans.delivered(claimed({ attributes: TRACED }), "a1", SUBMITTED_MS - 50);
    expect(finished()).toEqual([["wait q", SpanKind.INTERNAL, -50, -50]]);
  });

  it("have no wait for a later attempt, which is still named for the log", () => {
    expect(spans.delivered(claimed({ attributes: TRACED }, 1), "a1", SUBMITTED_MS + 500)).toBe(TRACE_ID);
    expect(finished()).toEqual([]);
  });

  it("are none for a task without trace context, whatever its payload says", () => {
    spans.accepted(makeTask(1), SUBMITTED_MS, SUBMITTED_MS);
    expect(spans.delivered(claimed({ attributes: { a: "b" } }), "a1", SUBMITTED_MS)).toBeUndefined();
    expect(spans.delivered(claimed({ payload: Buffer.from("traceparent") }), "a1", SUBMITTED_MS)).toBeUndefined();
    expect(finished()).toEqual([]);
  });
});
