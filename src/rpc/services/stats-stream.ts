/**
 * The answers to `WatchStats`: the figures at an interval. A caller that reads too slowly misses some; none are queued.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AnswerSource, AnswerStream } from "../method.ts";

/** Sends what `encode` gives, at once and then at the interval, until the stream is over. */
export function streamFigures(stream: AnswerStream, intervalMs: number, encode: () => Promise<Buffer>): AnswerSource {
  const over = new AbortController();
  void send(stream, intervalMs, encode, over.signal);
  return { room: () => {}, closed: () => over.abort() };
}

async function send(
  stream: AnswerStream,
  intervalMs: number,
  encode: () => Promise<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  try {
    while (!signal.aborted) {
      if (!stream.isFull) stream.send(await encode());
      await delay(intervalMs, undefined, { signal });
    }
  } catch (error) {
    // The end of the delay at the end of the stream comes here too: ending what is over does nothing.
    stream.end(error);
  }
}
