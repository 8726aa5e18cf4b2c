/** One line of `sluice submit --file`: a task as a JSON object, with the names of the SDK's `TaskInput`. */
import type { TaskInput } from "@sluice/client";
import { z } from "zod";
import { didYouMean } from "../nearest.ts";
import { retryFields, taskFields } from "./task-fields.ts";

const taskSchema = z.strictObject(taskFields);

/** Names of a task's fields. */
const FIELDS = [...Object.keys(taskFields), ...Object.keys(retryFields)];

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
