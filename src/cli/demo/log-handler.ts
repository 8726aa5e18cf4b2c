/**
 * The work of the demo's analyzers: reads a log message, finds what is worth knowing in it and how grave it is.
 *
 * Loaded by `sluice work --handlers`, as a handler of your own would be.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { HandlerContext, ReceivedTask } from "@sluice/client";

/** Each message takes this long, evenly spread: an analysis that asks a database or a model. */
const WORK_MS = { min: 15, max: 45 } as const;

/** What the analysis found. */
export interface Finding {
  readonly severity: "low" | "medium" | "high";
  readonly source: string;
  readonly addresses: readonly string[];
  /** The HTTP status, if the message tells of a request. */
  readonly httpStatus?: number;
  /** The longest duration named in the message. */
  readonly slowestMs?: number;
}

/** Slower than this is worth a look. */
const SLOW_MS = 1000;

const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;
const DURATION = /\b(\d+) ms\b/g;
const HTTP_STATUS = /^(?:GET|POST|PUT|DELETE) \S+ (\d{3})\b/;

/** Analyses one message. */
export function analyse(level: string, source: string, message: string): Finding {
  const durations = [...message.matchAll(DURATION)].map((match) => Number(match[1]));
  const slowestMs = durations.length === 0 ? undefined : Math.max(...durations);
  const status = HTTP_STATUS.exec(message)?.[1];
  return {
    severity: severity(level, slowestMs),
    source,
    addresses: [...new Set(message.match(ADDRESS) ?? [])],
    ...(status === undefined ? {} : { httpStatus: Number(status) }),
    ...(slowestMs === undefined ? {} : { slowestMs }),
  };
}

function severity(level: string, slowestMs: number | undefined): Finding["severity"] {
  if (level === "error") return "high";
  return level === "warn" || (slowestMs ?? 0) > SLOW_MS ? "medium" : "low";
}

async function analyseTask(task: ReceivedTask, { signal }: HandlerContext): Promise<Finding> {
  const { level, source, message } = readMessage(task.json());
  await wait(WORK_MS.min + Math.random() * (WORK_MS.max - WORK_MS.min), undefined, { signal });
  return analyse(level, source, message);
}

function readMessage(value: unknown): { level: string; source: string; message: string } {
  const fields =
    typeof value === "object" && value !== null ? new Map<string, unknown>(Object.entries(value)) : new Map();
  const text = (name: string): string => String(fields.get(name) ?? "");
  return { level: text("level"), source: text("source"), message: text("message") };
}

/** Handlers by task type. */
export const handlers = { log: analyseTask };
