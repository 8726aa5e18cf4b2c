/** One line of `sluice submit --file`: a task as a JSON object, with the names of the SDK's `TaskInput`. */
import type { TaskInput } from "@sluice/client";
import { z } from "zod";
import { didYouMean } from "../nearest.ts";

const retrySchema = z.strictObject({
  maxAttempts: z.int().optional(),
  initialBackoffMs: z.number().optional(),
  backoffFactor: z.number().optional(),
  maxBackoffMs: z.number().optional(),
});

/** Types only: ranges are the node's to check, so that they are stated in one place. */
const taskSchema = z.strictObject({
  id: z.string().optional(),
  queue: z.string().optional(),
  type: z.string().optional(),
  /** A string is sent as text, anything else as JSON. */
  payload: z.json().optional(),
  contentType: z.string().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  priority: z.int().optional(),
  notBefore: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional(),
  delayMs: z.number().min(0).optional(),
  timeoutMs: z.number().min(0).optional(),
  retry: retrySchema.optional(),
  fairnessKey: z.string().optional(),
  fairnessWeight: z.number().optional(),
});

/** Names of a task's fields. */
const FIELDS = [...Object.keys(taskSchema.shape), ...Object.keys(retrySchema.shape)];

/** A line as read: a task, or what is wrong with it. */
export type TaskLine = { readonly task: TaskInput } | { readonly problem: string };

/** Reads a line. */
export function readTaskLine(line: string): TaskLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const read = taskSchema.safeParse(value);
  if (read.success) return { task: read.data };
  return { problem: read.error.issues.map(describeIssue).join("; ") };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `unknown field '${key}'${didYouMean(key, FIELDS)}`).join("; ");
  }
  const field = issue.path.join(".");
  return field === "" ? `expected a task as a JSON object (${issue.message})` : `${field}: ${issue.message}`;
}
