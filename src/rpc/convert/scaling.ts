/**
 * `GetScaling` between the contract and the engine.
 */
import type { GetScalingRequest } from "@sluice/client/contract";
import { checkName, checkRange } from "../wire/checks.ts";

/** How long a task may wait unless the caller says otherwise. */
export const DEFAULT_TARGET_WAIT_MS = 30_000;
/** Shortest wait that can be asked for; shorter is INVALID_ARGUMENT. Rates are looked at each half second. */
export const MIN_TARGET_WAIT_MS = 100;
/** Longest wait that can be asked for: a day; longer is INVALID_ARGUMENT. */
export const MAX_TARGET_WAIT_MS = 86_400_000;

/** What is asked, checked and with its default. */
export function scalingRequest({ queue, targetWaitMs }: GetScalingRequest): { queue: string; targetWaitMs: number } {
  checkName(queue, "queue");
  const wanted = targetWaitMs || DEFAULT_TARGET_WAIT_MS;
  checkRange(wanted, MIN_TARGET_WAIT_MS, MAX_TARGET_WAIT_MS, "target_wait_ms");
  return { queue, targetWaitMs: wanted };
}
