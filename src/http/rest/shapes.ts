/**
 * The shapes of the plain REST face, as schemas: requests are checked against them, `/openapi.json` is made of them, and a
 * test holds the real answers against them.
 *
 * Sizes and ranges are not here: the handlers of the contract know them.
 */
import { z } from "zod";

const time = z.iso.datetime().describe("ISO 8601, UTC");
const id = z.string().describe("UUID of the task");
const anyJson = z.unknown();

const state = z
  .enum(["PENDING", "SCHEDULED", "RUNNING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"])
  .describe("where the task is in its life");

const retry = z.strictObject({
  maxAttempts: z.int().optional().describe("attempts in all; default 3"),
  initialBackoffMs: z.int().optional().describe("bound of the wait after the first failed attempt; default 1000"),
  backoffFactor: z.number().optional().describe("growth of the bound; default 2"),
  maxBackoffMs: z.int().optional().describe("the bound grows no further; default 60000"),
});

/** Body of `POST /tasks`. */
export const SubmitBody = z.strictObject({
  id: id.optional().describe("UUID that makes the submit safe to repeat; default: the node sets one"),
  queue: z.string().optional().describe("default: default"),
  type: z.string().optional().describe("kind of work"),
  payload: anyJson.optional().describe("the work, as any JSON value"),
  payloadText: z.string().optional().describe("the work, as text"),
  payloadBase64: z.string().optional().describe("the work, as bytes in base64"),
  contentType: z.string().optional().describe("MIME type of the payload; default: what follows from its form"),
  attributes: z.record(z.string(), z.string()).optional().describe("labels"),
  priority: z.int().optional().describe("0 to 9, the higher first; default 4"),
  delayMs: z.int().optional().describe("not before this long after the node accepts it"),
  notBefore: z.iso.datetime({ offset: true }).optional().describe("not before this time, ISO 8601"),
  timeoutMs: z.int().optional().describe("longest run of one attempt; default: no limit"),
  retry: retry.optional(),
  fairnessKey: z.string().optional().describe("tenant: keys share dispatch"),
  fairnessWeight: z.number().optional().describe("weight of the key; default 1"),
});

/** Answer to `POST /tasks`. */
export const Submitted = z.strictObject({ id, duplicate: z.boolean().describe("it had been accepted before") });

const error = z.strictObject({ code: z.string(), message: z.string() });

/** A task. Fields that do not apply are left out. */
export const TaskShape = z.strictObject({
  id,
  queue: z.string(),
  type: z.string(),
  state,
  priority: z.int(),
  payload: anyJson.optional(),
  payloadText: z.string().optional(),
  payloadBase64: z.string().optional(),
  contentType: z.string(),
  attributes: z.record(z.string(), z.string()),
  fairnessKey: z.string(),
  attempts: z.int().describe("charged so far, the running one not counted"),
  submitTime: time,
  dueTime: time.optional().describe("SCHEDULED, RETRYING: when it becomes PENDING"),
  startTime: time.optional().describe("when the last attempt was delivered"),
  endTime: time.optional(),
  analyzerId: z.string().optional().describe("who runs it, or who ended it"),
  result: z
    .strictObject({
      output: anyJson.optional(),
      outputText: z.string().optional(),
      outputBase64: z.string().optional(),
      contentType: z.string(),
    })
    .optional()
    .describe("COMPLETED: what was returned"),
  error: error.optional().describe("RETRYING, FAILED: the last error"),
  history: z
    .array(
      z.strictObject({
        attempt: z.int(),
        analyzerId: z.string(),
        startTime: time.optional(),
        endTime: time.optional(),
        error: error.optional(),
      }),
    )
    .describe("failed attempts, oldest first"),
  progress: z.strictObject({ percent: z.int(), note: z.string() }).optional(),
});

/** Query of `GET /tasks`. */
export const ListQuery = z.strictObject({
  queue: z.string().optional().describe("only this queue"),
  state: z.string().optional().describe("only these states, separated by commas: pending, failed, ..."),
  type: z.string().optional().describe("only this type"),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "must be a whole number above 0")
    .optional()
    .describe("tasks per page, at most 1000; default 50"),
  cursor: z.string().optional().describe("nextCursor of the page before"),
  newest: z.enum(["true", "false"]).optional().describe("the newest first"),
});

/** Answer to `GET /tasks`. Payloads and outputs are left out. */
export const TaskList = z.strictObject({
  tasks: z.array(TaskShape),
  nextCursor: z.string().optional().describe("left out on the last page"),
});

/** Answer to `POST /tasks/{id}/retry`. */
export const Retried = z.strictObject({ id, state });

/** Answer to `DELETE /tasks/{id}`. */
export const Cancelled = z.strictObject({
  id,
  state: state.describe("CANCELLED, or RUNNING until its analyzer stops"),
});

/** Answer to `GET /workers`. */
export const Workers = z.strictObject({
  workers: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(["ATTACHED", "DRAINING", "DETACHED", "GONE"]),
      weight: z.number(),
      queues: z.array(z.string()),
      credit: z.int(),
      inFlight: z.int(),
      maxInFlight: z.int(),
      delivered: z.int(),
      completed: z.int(),
      failed: z.int(),
      lastFrameMs: z.number().describe("since its last sign of life"),
      peer: z.string(),
      version: z.string(),
      labels: z.record(z.string(), z.string()),
      attachTime: time.optional(),
    }),
  ),
});

/** Answer to `GET /stats`. */
export const Stats = z.strictObject({
  version: z.string(),
  store: z.string(),
  epoch: z.int(),
  uptimeMs: z.number(),
  draining: z.boolean(),
  analyzers: z.int().describe("with a session"),
  inFlight: z.int(),
  queues: z.array(
    z.strictObject({
      name: z.string(),
      paused: z.boolean(),
      waiting: z.int().describe("PENDING, SCHEDULED and RETRYING"),
      running: z.int(),
      failed: z.int(),
      submitted: z.number().describe("since the start of the node, as the following"),
      delivered: z.number(),
      completed: z.number(),
      headWaitMs: z.number().describe("how long the first in dispatch order has waited"),
    }),
  ),
});

/** Answer with a status of 400 and above. */
export const ErrorShape = z.strictObject({
  code: z.string().describe("of Connect: not_found, invalid_argument, ..."),
  message: z.string().describe("what is wrong and what to do"),
  details: z.array(z.unknown()).optional(),
});
