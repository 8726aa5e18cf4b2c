/** Messages of the contract as the plain REST face shows them. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type Analyzer,
  AnalyzerStateSchema,
  type GetStatsResponse,
  type Queue,
  type Task,
  type TaskError,
  type TaskState,
  TaskStateSchema,
} from "@sluice/client/contract";
import { DEFAULT_PRIORITY } from "../../core/limits.ts";
import { show } from "./payload.ts";

/** A task; without payload and output if it was looked up without. */
export function taskView(task: Task): Record<string, unknown> {
  const { spec, result, error, progress } = task;
  if (spec === undefined) throw new Error("a task without its spec");
  const payload = show({ bytes: spec.payload, contentType: spec.contentType });
  return defined({
    id: spec.id,
    queue: spec.queue,
    type: spec.type,
    state: stateName(task.state),
    priority: spec.priority ?? DEFAULT_PRIORITY,
    payload: payload.json,
    payloadText: payload.text,
    payloadBase64: payload.base64,
    contentType: spec.contentType,
    attributes: spec.attributes,
    fairnessKey: spec.fairnessKey,
    attempts: task.attempts,
    submitTime: time(task.submitTime),
    dueTime: time(task.dueTime),
    startTime: time(task.startTime),
    endTime: time(task.endTime),
    analyzerId: task.analyzerId === "" ? undefined : task.analyzerId,
    result: result === undefined ? undefined : resultView(result),
    error: error === undefined ? undefined : errorView(error),
    history: task.history.map((attempt) =>
      defined({
        attempt: attempt.number,
        analyzerId: attempt.analyzerId,
        startTime: time(attempt.startTime),
        endTime: time(attempt.endTime),
        error: attempt.error === undefined ? undefined : errorView(attempt.error),
      }),
    ),
    progress: progress === undefined ? undefined : { percent: progress.percent, note: progress.note },
  });
}

function resultView({ output, contentType }: NonNullable<Task["result"]>): Record<string, unknown> {
  const shown = show({ bytes: output, contentType });
  return defined({ output: shown.json, outputText: shown.text, outputBase64: shown.base64, contentType });
}

function errorView({ code, message }: TaskError): Record<string, unknown> {
  return { code, message };
}

/** An analyzer. */
export function workerView(analyzer: Analyzer): Record<string, unknown> {
  const { id, weight, queues, credit, inFlight, maxInFlight, lastFrameMs, peer, version, labels } = analyzer;
  const { delivered, completed, failed, attachTime } = analyzer;
  const state = AnalyzerStateSchema.value[analyzer.state]?.localName;
  const silenceMs = Math.round(lastFrameMs);
  const figures = { credit, inFlight, maxInFlight, delivered, completed, failed, lastFrameMs: silenceMs };
  return defined({ id, state, weight, queues, ...figures, peer, version, labels, attachTime: time(attachTime) });
}

/** The figures of the node, in short. */
export function statsView({ node, queues, analyzers }: GetStatsResponse): Record<string, unknown> {
  if (node === undefined) throw new Error("figures without a node");
  const { version, store, epoch, uptimeMs, draining, leases } = node;
  const attached = analyzers.filter(({ state }) => AnalyzerStateSchema.value[state]?.localName !== "GONE");
  return {
    version,
    store,
    epoch,
    uptimeMs: Math.round(uptimeMs),
    draining,
    analyzers: attached.length,
    inFlight: leases,
    queues: queues.map(queueView),
  };
}

function queueView({ name, settings, counts, totals, headWaitMs }: Queue): Record<string, unknown> {
  return {
    name,
    paused: settings?.paused ?? false,
    waiting: (counts?.pending ?? 0) + (counts?.scheduled ?? 0) + (counts?.retrying ?? 0),
    running: counts?.running ?? 0,
    failed: counts?.failed ?? 0,
    submitted: totals?.submitted ?? 0,
    delivered: totals?.delivered ?? 0,
    completed: totals?.completed ?? 0,
    headWaitMs: Math.round(headWaitMs),
  };
}

/** The name of a state, without its prefix. */
export function stateName(state: TaskState): string | undefined {
  return TaskStateSchema.value[state]?.localName;
}

function time(timestamp: Timestamp | undefined): string | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp).toISOString();
}

/** Without what is undefined. */
function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
