/** How a dispatched task ended, with what people want to know of it. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Task, TaskState } from "@sluice/client/contract";
import { stateName } from "../operate/task-filter.ts";
import { formatError, readableText } from "../operate/task-report.ts";
import type { DispatchTask } from "./file.ts";

/** What became of a task as far as is known. */
export type Outcome =
  | { readonly kind: "ended"; readonly task: Task }
  /** The node did not take it, or no longer knows it. */
  | { readonly kind: "refused"; readonly problem: string }
  /** Not ended when the waiting did. */
  | { readonly kind: "open" };

/** One line of the report. */
export interface Ending {
  readonly name: string;
  /** Empty when the node never had it. */
  readonly id: string;
  /** A task's state, or `refused`, or `open`. */
  readonly state: string;
  readonly analyzer: string;
  /** Deliveries to analyzers. */
  readonly attempts: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** How long analyzers worked on it, from start to end, all attempts together. */
  readonly executionMs: number;
  /** What it returned: JSON as a value, text as text; undefined for nothing and for other bytes. */
  readonly result: unknown;
  /** What is wrong; undefined when it was completed where it should. */
  readonly problem: string | undefined;
}

/** The line for a task. */
export function endingOf(dispatched: DispatchTask, id: string, outcome: Outcome): Ending {
  const { name } = dispatched;
  const nothing = { name, id, analyzer: "", attempts: 0, retries: 0, executionMs: 0, result: undefined };
  switch (outcome.kind) {
    case "refused":
      return { ...nothing, state: "refused", problem: `${dispatched.place}: ${outcome.problem}` };
    case "open":
      return { ...nothing, state: "open", problem: "had not ended" };
    case "ended":
      return { ...nothing, ...factsOf(outcome.task), problem: problemOf(dispatched, outcome.task) };
  }
}

function factsOf(task: Task): Omit<Ending, "name" | "id" | "problem"> {
  // Failed attempts are counted by the node; the one that completed the task comes on top.
  const attempts = task.attempts + (task.state === TaskState.COMPLETED ? 1 : 0);
  return {
    state: stateName(task.state),
    analyzer: task.analyzerId,
    attempts,
    retries: Math.max(0, attempts - 1),
    executionMs: executionMs(task),
    result: resultOf(task),
  };
}

function executionMs(task: Task): number {
  const failed = task.history.reduce((sum, { startTime, endTime }) => sum + spanMs(startTime, endTime), 0);
  // The last attempt of a dead letter is part of its history.
  return task.state === TaskState.FAILED ? failed : failed + spanMs(task.startTime, task.endTime);
}

function spanMs(start: Timestamp | undefined, end: Timestamp | undefined): number {
  return start === undefined || end === undefined ? 0 : Math.max(0, timestampMs(end) - timestampMs(start));
}

function problemOf({ analyzers }: DispatchTask, task: Task): string | undefined {
  if (task.state !== TaskState.COMPLETED) {
    return task.error === undefined ? stateName(task.state) : formatError(task.error);
  }
  if (analyzers === undefined || analyzers.includes(task.analyzerId)) return undefined;
  return `unexpected analyzer: it ran at ${task.analyzerId}, expected ${analyzers.join(" or ")}`;
}

function resultOf({ result }: Task): unknown {
  if (result === undefined || result.output.length === 0) return undefined;
  const text = readableText(result.output);
  if (text === undefined || !result.contentType.startsWith("application/json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    // The handler's claim was wrong; what it returned is shown as it is.
    return text;
  }
}
