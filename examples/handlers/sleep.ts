/**
 * `sleep`: waits, and stops early when the task is cancelled or its timeout is over.
 *
 * Payload: JSON `{"ms": 1500}`.
 */
import type { Handler } from "@sluice/client";
import { z } from "zod";
import { pause } from "./pause.ts";
import { readJson } from "./payload.ts";

/** A day. */
const MAX_SLEEP_MS = 86_400_000;
const PAYLOAD = z.strictObject({ ms: z.int().min(0).max(MAX_SLEEP_MS) });
const EXPECTED = `JSON like {"ms": 1500}, of 0 to ${MAX_SLEEP_MS} milliseconds`;

/** See the top of the file. The task's timeout is the node's business: it fires the signal when it is over. */
export const sleep: Handler = async (task, { signal }): Promise<{ readonly sleptMs: number }> => {
  const { ms } = readJson(task, PAYLOAD, EXPECTED);
  await pause(ms, signal);
  return { sleptMs: ms };
};
