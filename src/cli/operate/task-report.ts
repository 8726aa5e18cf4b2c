/** Tasks as people read them. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { Task, TaskError, TaskSpec } from "@sluice/client/contract";
import { DEFAULT_PRIORITY } from "../../core/limits.ts";
import { formatBytes, formatDuration } from "../output/figures.ts";
import { formatPairs, formatTable, numberColumn, textColumn } from "../output/table.ts";
import { stateName } from "./task-filter.ts";

/** Characters of a payload or output shown; the rest is only counted. */
const MAX_SHOWN_CHARACTERS = 2000;

/** Tasks as a table. */
export function taskTable(tasks: readonly Task[]): string[] {
  return formatTable(
    [
      ...["ID", "QUEUE", "TYPE", "STATE"].map(textColumn),
      ...["PRIORITY", "FAILED ATTEMPTS"].map(numberColumn),
      ...["SUBMITTED", "ANALYZER", "ERROR"].map(textColumn),
    ],
    tasks.map((task) => [
      task.spec?.id ?? "",
      task.spec?.queue ?? "",
      task.spec?.type ?? "",
      stateName(task.state),
      String(task.spec?.priority ?? DEFAULT_PRIORITY),
      String(task.attempts),
      formatTime(task.submitTime),
      task.analyzerId,
      task.error === undefined ? "" : firstLine(formatError(task.error)),
    ]),
  );
}

/** One task with everything that is known of it. */
export function taskDetails(task: Task): string[] {
  const { spec } = task;
  const pairs: [name: string, value: string][] = [
    ["id", spec?.id ?? ""],
    ["queue", spec?.queue ?? ""],
    ["type", spec?.type ?? ""],
    ["state", stateName(task.state)],
    ["failed attempts", attemptsText(task)],
    ["submitted", formatTime(task.submitTime)],
    ["due", formatTime(task.dueTime)],
    ["started", formatTime(task.startTime)],
    ["ended", formatTime(task.endTime)],
    ["analyzer", task.analyzerId],
    ["progress", task.progress === undefined ? "" : `${task.progress.percent}% ${task.progress.note}`.trim()],
    ...specPairs(spec),
    ["payload", spec === undefined ? "" : formatContent(spec.payload, spec.contentType)],
    ["result", task.result === undefined ? "" : formatContent(task.result.output, task.result.contentType)],
    ["error", task.error === undefined ? "" : formatError(task.error)],
  ];
  const lines = formatPairs(pairs.filter(([, value]) => value !== ""));
  if (task.history.length > 0) lines.push("", ...historyTable(task));
  return lines;
}

/** An error as `CODE: message`. */
export function formatError(error: TaskError): string {
  return `${error.code}: ${error.message}`;
}

function attemptsText(task: Task): string {
  const most = task.spec?.retry?.maxAttempts ?? 0;
  return most === 0 ? String(task.attempts) : `${task.attempts} of ${most}`;
}

function specPairs(spec: TaskSpec | undefined): [name: string, value: string][] {
  if (spec === undefined) return [];
  return [
    ["priority", String(spec.priority ?? DEFAULT_PRIORITY)],
    ["timeout", spec.timeoutMs === 0 ? "" : formatDuration(spec.timeoutMs)],
    ["fairness key", spec.fairnessKey],
    ...Object.entries(spec.attributes).map(([key, value]): [string, string] => [`attribute ${key}`, value]),
  ];
}

function historyTable(task: Task): string[] {
  return formatTable(
    [numberColumn("ATTEMPT"), ...["ANALYZER", "STARTED", "ENDED", "ERROR"].map(textColumn)],
    task.history.map(({ number, analyzerId, startTime, endTime, error }) => [
      String(number),
      analyzerId,
      formatTime(startTime),
      formatTime(endTime),
      error === undefined ? "" : firstLine(formatError(error)),
    ]),
  );
}

function formatTime(time: Timestamp | undefined): string {
  return time === undefined ? "" : timestampDate(time).toISOString();
}

/** Text as it is, anything else as its size. */
function formatContent(bytes: Uint8Array, contentType: string): string {
  const kind = contentType === "" ? "" : `, ${contentType}`;
  if (bytes.length === 0) return "";
  const size = `(${formatBytes(bytes.length)}${kind})`;
  const text = readableText(bytes);
  if (text === undefined) return size;
  const shown = text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}...` : text.trimEnd();
  return `${shown}  ${size}`;
}

/** Bytes as text; undefined for those that would garble a terminal. */
export function readableText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Control characters other than tab and line ends could do anything to a terminal.
    return /[^\P{Cc}\t\n\r]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
