/**
 * What a file may say of a task: the fields of the SDK's `TaskInput` under the same names.
 *
 * Types only: ranges are the node's to check, so that they are stated in one place.
 */
import { z } from "zod";

/** How failed attempts are repeated. */
export const retryFields = {
  maxAttempts: z.int().optional(),
  initialBackoffMs: z.number().optional(),
  backoffFactor: z.number().optional(),
  maxBackoffMs: z.number().optional(),
};

/** A task. */
export const taskFields = {
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
  retry: z.strictObject(retryFields).optional(),
  fairnessKey: z.string().optional(),
  fairnessWeight: z.number().optional(),
};
