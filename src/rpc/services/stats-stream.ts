/**
 * The answers to `WatchStats`: the figures at an interval. A caller that reads too slowly misses some; none are queued.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AnswerStream } from "../method.ts";
import { type RpcLogger, toStatus } from "../status.ts";
import { Sender } from "./sender.ts";

/** Sends what `encode` gives until the call or `signal` ends. */
export async function streamFigures(
  call: AnswerStream,
  intervalMs: number,
  encode: () => Promise<Buffer>,
  signal: AbortSignal,
  logger: RpcLogger,
): Promise<void> {
  const sender = new Sender(call, () => {});
  try {
    while (!signal.aborted) {
      const message = sender.isFull ? undefined : await encode();
      if (message !== undefined && !signal.aborted) sender.send(message);
      await delay(intervalMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) call.emit("error", toStatus(error, call.getPath(), logger));
  }
}
