/**
 * One call as the guard sees it: how much of the node's memory it holds, and since when its request is unfinished.
 */
import type { ServerHttp2Stream } from "node:http2";
import { MESSAGE_PART_BYTES } from "../limits.ts";
import { MessageMeter } from "./message-meter.ts";

/** A call that is open. */
export class GuardedCall {
  readonly stream: ServerHttp2Stream;
  readonly #meter: MessageMeter;
  /** The call may be silent as long as it likes between messages. */
  readonly #mayBeSilent: boolean;
  /** When the message that has begun began, or the call when none has. */
  #sinceMs: number;
  #unpackedBytes = 0;
  #messages = 0;

  constructor(stream: ServerHttp2Stream, maxMessageBytes: number, mayBeSilent: boolean, nowMs: number) {
    this.stream = stream;
    this.#meter = new MessageMeter(maxMessageBytes);
    this.#mayBeSilent = mayBeSilent;
    this.#sinceMs = nowMs;
  }

  /** Bytes that were received and are not handed on as a message, at what they cost. */
  get receivedBytes(): number {
    return this.#meter.heldBytes + this.#meter.parts * MESSAGE_PART_BYTES + this.#unpackedBytes;
  }

  /** What its compressed messages can have become. */
  get unpackedBytes(): number {
    return this.#unpackedBytes;
  }

  /** Bytes that wait for the other side to read. */
  get unsentBytes(): number {
    return this.stream.writableLength;
  }

  /** In how many parts the message that has begun has come. */
  get parts(): number {
    return this.#meter.parts;
  }

  /** Takes note of what has arrived. */
  push(part: Uint8Array): void {
    this.#meter.push(part);
    this.#unpackedBytes += this.#meter.takeUnpackedBytes();
  }

  /** Looks at it once in a while. Returns for how long its request has been unfinished. */
  overdueMs(nowMs: number): number {
    const { messages, isWithin } = this.#meter;
    const hasMovedOn = messages !== this.#messages;
    const isWaiting = isWithin || (messages === 0 && !this.#mayBeSilent);
    if (hasMovedOn || !isWaiting) this.#sinceMs = nowMs;
    this.#messages = messages;
    // Unpacking takes milliseconds. A call that goes on has had its messages long ago.
    if (!hasMovedOn && this.#mayBeSilent) this.#unpackedBytes = 0;
    return nowMs - this.#sinceMs;
  }
}
