/**
 * Reads and checks the payloads of tasks.
 *
 *  P1  A payload that is not what the handler expects fails the task for good, with the code INVALID_PAYLOAD: another
 *      attempt would see the same bytes.
 *  P2  The message says what is expected and what is wrong with what came.
 */
import { HandlerError, type ReceivedTask } from "@sluice/client";
import type { z } from "zod";

/** Code of every error that says that the payload is wrong. */
export const INVALID_PAYLOAD = "INVALID_PAYLOAD";

/** How many things that are wrong with one payload are named. */
const MAX_ISSUES = 5;

/** The error for a payload that will never do. */
export function invalidPayload(message: string, cause?: unknown): HandlerError {
  return new HandlerError(message, { code: INVALID_PAYLOAD, nonRetryable: true, cause });
}

/** Whether the emitter says that the payload is JSON. The SDK and the CLI say so by themselves. */
export function isJson(task: ReceivedTask): boolean {
  return /^application\/json\b/i.test(task.contentType);
}

/** The payload as UTF-8 text. Throws INVALID_PAYLOAD when it is none. */
export function readText(task: ReceivedTask): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(task.payload);
  } catch (error) {
    throw invalidPayload("expected UTF-8 text: the payload has bytes that are none", error);
  }
}

/**
 * The payload as JSON that matches a schema. Throws INVALID_PAYLOAD when it does not.
 * @param expected - what a right payload looks like, for the message
 */
export function readJson<T>(task: ReceivedTask, schema: z.ZodType<T>, expected: string): T {
  const parsed = schema.safeParse(parseJson(task, expected));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map(describeIssue);
  throw invalidPayload(`expected ${expected}: ${issues.join("; ")}`);
}

/** A text, as it is or as JSON like `{"text": "..."}`. */
export function readTextPayload(task: ReceivedTask, schema: z.ZodType<{ text: string }>, expected: string): string {
  return isJson(task) ? readJson(task, schema, expected).text : readText(task);
}

function parseJson(task: ReceivedTask, expected: string): unknown {
  try {
    return JSON.parse(readText(task));
  } catch (error) {
    const what = task.payload.length === 0 ? "it is empty" : "it is not JSON";
    throw invalidPayload(`expected ${expected}: ${what}`, error);
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
