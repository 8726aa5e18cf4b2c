/**
 * `fail-then-succeed`: fails the first attempts of a task, to see retries at work.
 *
 * Payload: JSON `{"failures": 2}`. With as many failures as the task has attempts, or more, it becomes a dead letter.
 */
import { type Handler, HandlerError } from "@sluice/client";
import { z } from "zod";
import { readJson } from "./payload.ts";

/** The most attempts that a task can have. */
const MAX_FAILURES = 100;
const PAYLOAD = z.strictObject({ failures: z.int().min(0).max(MAX_FAILURES) });
const EXPECTED = `JSON like {"failures": 2}, of 0 to ${MAX_FAILURES}`;

/** See the top of the file. */
export const failThenSucceed: Handler = (task, { attempt }): { readonly attempts: number } => {
  const { failures } = readJson(task, PAYLOAD, EXPECTED);
  if (attempt > failures) return { attempts: attempt };
  throw new HandlerError(`attempt ${attempt} fails, as do the first ${failures}`, { code: "EXPECTED_FAILURE" });
};
