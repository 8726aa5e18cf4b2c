/**
 * Lets time pass in a handler, as long as the attempt lives.
 */
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

/**
 * Resolves after this many milliseconds; with 0, after the event loop had a turn, in which heartbeats and cancels pass.
 * Rejects with the signal's reason when that fires, so that the attempt's error says why it was stopped.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    if (ms > 0) await wait(ms, undefined, { signal });
    else await nextTurn(undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
