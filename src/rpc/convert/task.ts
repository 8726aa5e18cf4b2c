/**
 * Tasks from the domain to the contract.
 */
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AttemptSchema,
  type ProgressSchema,
  type TaskSchema,
  TaskSpecSchema,
  TaskState,
} from "@sluice/client/contract";
import type { AttemptRecord, TaskResult } from "../../core/task.ts";
import type { LiveTask } from "../../engine/api.ts";
import type { ProgressReport } from "../../engine/frames.ts";

const NO_BYTES = new Uint8Array(0);

/** What of a task is shown. */
export interface TaskDetail {
  /** Leave out payload and output. */
  readonly summary: boolean;
}

/** A task as the contract shows it. */
export function taskMessage(task: LiveTask, { summary }: TaskDetail): MessageInitShape<typeof TaskSchema> {
  const spec = fromBinary(TaskSpecSchema, task.spec);
  if (summary) spec.payload = NO_BYTES;
  const { result, progress } = task;
  const lastError = task.history.at(-1)?.error;
  return {
    spec,
    state: TaskState[task.state],
    submitTime: timestampFromMs(task.submittedMs),
    attempts: task.attempts,
    analyzerId: task.analyzerId,
    history: task.history.map(attemptMessage),
    ...timeField("dueTime", task.dueMs),
    ...timeField("startTime", task.startMs),
    ...timeField("endTime", task.endMs),
    ...(result === undefined ? {} : { result: resultMessage(result, summary) }),
    ...(lastError !== undefined && (task.state === "RETRYING" || task.state === "FAILED") ? { error: lastError } : {}),
    ...(progress === undefined ? {} : { progress: progressMessage(progress) }),
  };
}

/** Bytes that a task takes in an answer, near enough to keep answers small. */
export function taskBytes(task: LiveTask, { summary }: TaskDetail): number {
  const history = task.history.reduce((sum, { error }) => sum + error.message.length + error.details.length, 0);
  return summary ? history : history + task.spec.length + (task.result?.output.length ?? 0);
}

/** What a handler reported. */
export function progressMessage({ lease, percent, note }: ProgressReport): MessageInitShape<typeof ProgressSchema> {
  return { lease: BigInt(lease), percent, note };
}

function resultMessage({ output, contentType }: TaskResult, summary: boolean) {
  return { output: summary ? NO_BYTES : output, contentType };
}

function attemptMessage(attempt: AttemptRecord): MessageInitShape<typeof AttemptSchema> {
  const { number, analyzerId, startMs, endMs, error } = attempt;
  return { number, analyzerId, error, ...timeField("startTime", startMs), ...timeField("endTime", endMs) };
}

/** A time that is unset when it is 0. */
function timeField<K extends string>(name: K, ms: number): { [P in K]?: ReturnType<typeof timestampFromMs> } {
  const field: { [P in K]?: ReturnType<typeof timestampFromMs> } = {};
  if (ms !== 0) field[name] = timestampFromMs(ms);
  return field;
}
