/**
 * The other side of one connection, without a library that would keep it from misbehaving. It answers the node's SETTINGS and
 * PING as the protocol asks, unless it was told to be silent or not to read, and remembers how it was treated.
 */
import { connect, type Socket } from "node:net";
import { errorName, FLAG, FrameReader, frame, opening, type ReceivedFrame, TYPE } from "./frames.ts";

/** How a peer behaves. */
export interface PeerInput {
  readonly port: number;
  /** What it sends first; by default what HTTP/2 asks for. */
  readonly greeting?: Buffer;
  /** False: it never reads. */
  readonly reads?: boolean;
}

/** A connection of a misbehaving client. */
export class RawPeer implements Disposable {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #answers: boolean;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Resolves when the node has said something. */
  readonly greeted: Promise<void>;
  readonly #resets: string[] = [];
  #goaway: string | undefined;
  #isClosed = false;
  /** Streams on which the node has sent headers. */
  answers = 0;

  constructor({ port, greeting = opening(), reads = true }: PeerInput) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#answers = greeting.length > 0;
    this.#socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#isClosed = true;
        resolve();
      });
    });
    this.greeted = new Promise((resolve) => this.#socket.once(reads ? "data" : "connect", () => resolve()));
    if (reads) this.#socket.on("data", (bytes: Buffer) => this.#received(bytes));
    if (greeting.length > 0) this.#socket.write(greeting);
  }

  /** How the connection ended, or that it did not: the code of the node's GOAWAY if there was one. */
  get ending(): string {
    if (this.#goaway !== undefined && this.#goaway !== "NO_ERROR") return this.#goaway;
    return this.#isClosed ? "closed" : "open";
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Codes with which the node has reset streams. */
  get resets(): readonly string[] {
    return this.#resets;
  }

  /** Writes, and resolves when there is room for more or the connection is gone. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#isClosed || this.#socket.destroyed) return;
    if (this.#socket.write(bytes)) return;
    await Promise.race([
      this.closed,
      new Promise<void>((resolve) => {
        this.#socket.once("drain", () => resolve());
      }),
    ]);
  }

  /** Writes the same bytes again and again until the connection or the time is over. Returns how often. */
  async flood(bytes: Buffer, signal: AbortSignal): Promise<number> {
    let times = 0;
    for (; !this.#isClosed && !signal.aborted; times++) {
      await this.write(bytes);
      // A turn, or an end that has arrived is never seen.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return times;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #received(bytes: Buffer): void {
    for (const received of this.#reader.push(bytes)) this.#take(received);
  }

  #take({ type, flags, payload }: ReceivedFrame): void {
    if (type === TYPE.headers) this.answers += 1;
    if (type === TYPE.goaway) this.#goaway = errorName(payload.readUInt32BE(4));
    if (type === TYPE.reset) this.#resets.push(errorName(payload.readUInt32BE(0)));
    if (!this.#answers || this.#socket.destroyed || (flags & FLAG.ack) !== 0) return;
    if (type === TYPE.settings) this.#socket.write(frame(TYPE.settings, FLAG.ack, 0));
    if (type === TYPE.ping) this.#socket.write(frame(TYPE.ping, FLAG.ack, 0, payload));
  }
}

/** Resolves after a while, or when the signal comes. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
