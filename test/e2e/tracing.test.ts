/** One trace over three programs: emitter, node, analyzer, as it arrives at a collector. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Admin } from "@sluice/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Program, Workshop } from "../cli/program.ts";
import { KIND, OtlpReceiver, type ReceivedSpan, STATUS_ERROR } from "../support/otlp-receiver.ts";

const DEADLINE_MS = 60_000;

let workshop: Workshop;
let collector: OtlpReceiver;
let node: Program;
let address: string;

beforeAll(async () => {
  workshop = new Workshop();
  collector = await OtlpReceiver.open();
  node = workshop.start(["serve", "--store", "memory", "--port", "0", "--log-level", "debug", "--log-format", "json"], {
    ...collector.env,
    OTEL_SERVICE_NAME: "the-node",
  });
  address = `127.0.0.1:${await node.until(({ out }) => /"port":(\d+)/.exec(out)?.[1])}`;
}, DEADLINE_MS);

beforeEach(() => {
  collector.spans.length = 0;
});

afterEach(() => expect(collector.problems).toEqual([]));

afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

/** The spans of a task by their names, once there are so many. */
function spansOf(taskId: string, count: number): Promise<ReceivedSpan[]> {
  return vi.waitFor(
    () => {
      const spans = collector.spans.filter(({ attributes }) => attributes["messaging.message.id"] === taskId);
      expect(spans.map(({ name }) => name)).toHaveLength(count);
      return spans.sort((a, b) => a.startMs - b.startMs || (a.name < b.name ? -1 : 1));
    },
    { timeout: DEADLINE_MS / 2, interval: 20 },
  );
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const span = spans.find((each) => each.name === name);
  if (span === undefined) throw new Error(`there is no span ${name}`);
  return span;
}

async function analyzer(queue: string, command: string, env: NodeJS.ProcessEnv): Promise<Program> {
  const args = ["work", "--queue", queue, "--id", `${queue}-1`, "--exec", command, "--address", address];
  const worker = workshop.start(args, env);
  await worker.says("attached to");
  return worker;
}

async function submit(queue: string, env: NodeJS.ProcessEnv, ...options: string[]): Promise<string> {
  const ended = await workshop.run(
    ["submit", "--queue", queue, "--address", address, "--payload", "1", ...options],
    env,
  );
  expect(ended).toMatchObject({ status: 0, err: "" });
  return ended.out.trim();
}

describe("a trace", { timeout: DEADLINE_MS }, () => {
  it("goes from the emitter through the node to the handler, with parents and children", async () => {
    await analyzer("traced", 'echo "$TRACEPARENT"', collector.env);
    const id = await submit("traced", collector.env, "--type", "log");
    const spans = await spansOf(id, 4);
    const root = named(spans, "submit traced");
    expect(root).toMatchObject({
      service: "sluice-emitter",
      kind: KIND.PRODUCER,
      parentSpanId: undefined,
      attributes: {
        "messaging.system": "sluice",
        "messaging.operation.name": "submit",
        "messaging.operation.type": "send",
        "messaging.destination.name": "traced",
        "sluice.task.type": "log",
      },
    });
    const within = { traceId: root.traceId, parentSpanId: root.spanId };
    expect(named(spans, "accept traced")).toMatchObject({ ...within, service: "the-node", kind: KIND.SERVER });
    expect(named(spans, "wait traced")).toMatchObject({
      ...within,
      service: "the-node",
      kind: KIND.INTERNAL,
      attributes: { "messaging.operation.name": "wait", "messaging.client.id": "traced-1" },
    });
    const attempt = named(spans, "process traced");
    expect(attempt).toMatchObject({
      ...within,
      service: "sluice-analyzer",
      kind: KIND.CONSUMER,
      attributes: {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.client.id": "traced-1",
        "sluice.task.attempt": 1,
      },
    });
    for (const span of spans) expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    // The program that did the work could go on with the trace.
    await using admin = new Admin({ address });
    const { result } = await admin.getTask(id);
    expect(Buffer.from(result?.output ?? []).toString()).toBe(`00-${attempt.traceId}-${attempt.spanId}-01\n`);
  });

  it("has a span for each attempt, failed ones with their error, and is named in the log lines about the task", async () => {
    const worker = await analyzer("failing", "echo no >&2; exit 65", collector.env);
    const id = await submit("failing", collector.env);
    const spans = await spansOf(id, 4);
    const { traceId, ...attempt } = named(spans, "process failing");
    expect(attempt).toMatchObject({
      status: { code: STATUS_ERROR, message: "exit status 65: no" },
      attributes: { "error.type": "EXIT_STATUS" },
    });
    await worker.says(`task ${id} (trace ${traceId}): attempt 1 failed with EXIT_STATUS`);
    const line = await node.until(({ out }) => out.split("\n").find((each) => each.includes('"task.failed"')));
    expect(JSON.parse(line)).toMatchObject({ taskId: id, traceId, code: "EXIT_STATUS" });
  });

  it("begun by somebody else is gone on with", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const traceparent = `traceparent=00-${traceId}-00f067aa0ba902b7-01`;
    await analyzer("joined", "cat", {});
    const id = await submit("joined", {}, "--attribute", traceparent);
    // Neither emitter nor analyzer is traced here: the node alone adds what it knows.
    const spans = await spansOf(id, 2);
    expect(spans.map(({ name }) => name)).toEqual(["accept joined", "wait joined"]);
    for (const span of spans) expect(span).toMatchObject({ traceId, parentSpanId: "00f067aa0ba902b7" });
    const traced = await submit("joined", collector.env, "--attribute", traceparent);
    const [first] = (await spansOf(traced, 3)).filter(({ name }) => name === "submit joined");
    expect(first).toMatchObject({ traceId, parentSpanId: "00f067aa0ba902b7" });
  });

  it("is not begun by the node, nor kept against the emitter's sampling", async () => {
    await analyzer("untraced", "cat", collector.env);
    const env = { ...collector.env, OTEL_TRACES_SAMPLER: "always_off" };
    const unsampled = await submit("untraced", env);
    const untraced = await submit("untraced", {});
    const last = await submit("untraced", collector.env);
    await spansOf(last, 4);
    await spansOf(untraced, 1);
    const others = collector.spans.filter(({ attributes }) =>
      [unsampled, untraced].includes(String(attributes["messaging.message.id"])),
    );
    // An analyzer begins a trace for a task that has none.
    expect(others.map(({ name, attributes }) => [name, attributes["messaging.message.id"]])).toEqual([
      ["process untraced", untraced],
    ]);
  });

  it("costs a program that sends none nothing: OpenTelemetry is not loaded", async () => {
    const hook = join(workshop.directory, "loaded.cjs");
    writeFileSync(
      hook,
      `process.on("exit", () => {
        const loaded = Object.keys(require.cache).filter((path) => path.includes("@opentelemetry")).length;
        require("node:fs").writeSync(2, "loaded " + loaded + "\\n");
      });`,
    );
    const loaded = async (env: NodeJS.ProcessEnv): Promise<number> => {
      const args = ["submit", "--queue", "loaded", "--address", address, "--payload", "1"];
      const { err } = await workshop.run(args, { NODE_OPTIONS: `--require=${hook}`, ...env });
      return Number(/loaded (\d+)/.exec(err)?.[1]);
    };
    expect(await loaded({})).toBe(0);
    expect(await loaded(collector.env)).toBeGreaterThan(10);
  });

  it("that cannot be sent is told once, and holds nothing up", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "20" };
    const args = ["submit", "--queue", "lost", "--address", address, "--random", "--count", "3"];
    const { status, err } = await workshop.run(args, env);
    expect(status).toBe(0);
    expect(err.match(/traces cannot be sent|last traces could not be sent/g)?.length).toBeGreaterThan(0);
    expect(err.match(/traces cannot be sent/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });
});
