/** The one clock of the bench: monotonic, in milliseconds. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds since some moment, never jumping. */
export function monotonicMs(): number {
  return performance.now();
}

/** Resolves at that time, or up to a timer's millisecond later. */
export async function sleepUntil(timeMs: number): Promise<void> {
  await sleep(Math.max(0, timeMs - monotonicMs()));
}
