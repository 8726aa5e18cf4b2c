/**
 * Runs a handler as an analyzer would, without one: for the tests of the handlers.
 */
import { create } from "@bufbuild/protobuf";
import { type Handler, HandlerError, ReceivedTask } from "@sluice/client";
import { TaskSpecSchema } from "@sluice/client/contract";

/** What a test may choose. */
export interface RunInput {
  readonly signal?: AbortSignal;
  readonly attempt?: number;
  readonly onProgress?: (percent: number, note: string) => void;
}

/** Resolves with what the handler returns. Bytes and strings are the payload as they are, anything else is sent as JSON. */
export async function runHandler(handler: Handler, payload: unknown, input: RunInput = {}): Promise<unknown> {
  return await handler(new ReceivedTask(create(TaskSpecSchema, specOf(payload))), {
    signal: input.signal ?? new AbortController().signal,
    traceContext: {},
    attempt: input.attempt ?? 1,
    lease: 7n,
    progress: (percent, note = "") => input.onProgress?.(percent, note),
  });
}

/** Resolves with the HandlerError that the handler throws; rejects when it does anything else. */
export async function failureOf(handler: Handler, payload: unknown, input: RunInput = {}): Promise<HandlerError> {
  const returned = await runHandler(handler, payload, input).catch((error: unknown) => {
    if (error instanceof HandlerError) return error;
    throw error;
  });
  if (returned instanceof HandlerError) return returned;
  throw new Error(`the handler did not fail; it returned ${JSON.stringify(returned)}`);
}

function specOf(payload: unknown): { id: string; payload: Uint8Array; contentType: string } {
  const id = "00000000-0000-7000-8000-000000000001";
  if (payload instanceof Uint8Array) return { id, payload, contentType: "application/octet-stream" };
  if (typeof payload === "string") return { id, payload: Buffer.from(payload), contentType: "text/plain" };
  return { id, payload: Buffer.from(JSON.stringify(payload)), contentType: "application/json" };
}
