/**
 * Sends encoded messages on a stream and knows when it has taken enough.
 *
 * Counted in bytes: grpc-js counts messages, and sixteen of them may be many megabytes.
 */
import { MAX_UNSENT_BYTES } from "../limits.ts";

/** What it needs of a call. */
export interface Writable {
  write(message: Buffer, sent: () => void): unknown;
}

/** The outgoing side of a call. */
export class Sender {
  readonly #call: Writable;
  readonly #onRoom: () => void;
  #unsentBytes = 0;
  #isFull = false;

  /** `onRoom` is called when a full stream takes bytes again. */
  constructor(call: Writable, onRoom: () => void) {
    this.#call = call;
    this.#onRoom = onRoom;
  }

  /** The socket takes no more for now. What is sent all the same waits in memory. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Sends a message. False: the stream is full from now on. */
  send(message: Buffer): boolean {
    this.#unsentBytes += message.length;
    this.#isFull = this.#unsentBytes >= MAX_UNSENT_BYTES;
    this.#call.write(message, () => this.#sent(message.length));
    return !this.#isFull;
  }

  #sent(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (!this.#isFull || this.#unsentBytes >= MAX_UNSENT_BYTES) return;
    this.#isFull = false;
    this.#onRoom();
  }
}
