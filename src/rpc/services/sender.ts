/**
 * Sends encoded messages on a stream and knows when it has taken enough.
 *
 * Counted in bytes: grpc-js counts messages, and sixteen of them may be many megabytes.
 */
import { MAX_NODE_UNSENT_BYTES, MAX_UNSENT_BYTES } from "../limits.ts";

/** What it needs of a call. */
export interface Writable {
  write(message: Buffer, sent: () => void): unknown;
}

/** What all streams of a node have been handed and their sockets have not taken. */
export class UnsentBytes {
  #bytes = 0;

  /** Streams get more only when they have nothing unsent. */
  get isTooMuch(): boolean {
    return this.#bytes >= MAX_NODE_UNSENT_BYTES;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** The outgoing side of a call. */
export class Sender {
  readonly #call: Writable;
  readonly #ofNode: UnsentBytes;
  readonly #onRoom: () => void;
  #unsentBytes = 0;
  #isFull = false;
  #isClosed = false;

  /** `onRoom` is called when a full stream takes bytes again. */
  constructor(call: Writable, ofNode: UnsentBytes, onRoom: () => void) {
    this.#call = call;
    this.#ofNode = ofNode;
    this.#onRoom = onRoom;
  }

  /** The socket takes no more for now. What is sent all the same waits in memory. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Sends a message. False: the stream is full from now on. */
  send(message: Buffer): boolean {
    this.#count(message.length);
    this.#isFull = this.#hasEnough();
    this.#call.write(message, () => this.#sent(message.length));
    return !this.#isFull;
  }

  /** The stream is gone, and what was unsent with it: grpc-js says nothing of that. */
  close(): void {
    this.#count(-this.#unsentBytes);
    this.#isClosed = true;
  }

  #sent(bytes: number): void {
    if (this.#isClosed) return;
    this.#count(-bytes);
    if (!this.#isFull || this.#hasEnough()) return;
    this.#isFull = false;
    this.#onRoom();
  }

  #hasEnough(): boolean {
    return this.#unsentBytes >= MAX_UNSENT_BYTES || (this.#unsentBytes > 0 && this.#ofNode.isTooMuch);
  }

  #count(bytes: number): void {
    this.#unsentBytes += bytes;
    this.#ofNode.add(bytes);
  }
}
