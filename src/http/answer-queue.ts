/**
 * A stream of answers for an adapter that asks for the next one when it has room.
 *
 *  Q1  What was sent before the end comes out before it.
 *  Q2  The source hears of the end once, whoever ended it.
 *  Q3  What waits is counted in bytes, and with MAX_UNSENT_BYTES the stream is full.
 */
import { MAX_UNSENT_BYTES } from "../rpc/limits.ts";
import type { AnswerSource, AnswerStream, StreamMethod } from "../rpc/method.ts";

/** One stream. */
export class AnswerQueue implements AnswerStream {
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #source: AnswerSource | undefined;
  #end: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  get isFull(): boolean {
    return this.#waitingBytes >= MAX_UNSENT_BYTES;
  }

  /** Begins to answer a request. */
  begin(method: StreamMethod, request: Buffer): void {
    try {
      this.#source = method.open(request, this);
      if (this.#end !== undefined) this.#source.closed();
    } catch (error) {
      this.end(error);
    }
  }

  send(message: Buffer): void {
    if (this.#end !== undefined) return;
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    this.#wake();
  }

  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#source?.closed();
    this.#wake();
  }

  /** What was sent, until the end, whose error it throws. */
  async *messages(): AsyncGenerator<Buffer, void, undefined> {
    try {
      while (true) {
        const message = this.#take();
        if (message !== undefined) yield message;
        else if (this.#end === undefined) await this.#more();
        else if (this.#end.error === undefined) return;
        else throw this.#end.error;
      }
    } finally {
      this.end();
    }
  }

  #take(): Buffer | undefined {
    const message = this.#waiting.shift();
    if (message === undefined) return undefined;
    const wasFull = this.isFull;
    this.#waitingBytes -= message.length;
    if (wasFull && !this.isFull && this.#end === undefined) this.#source?.room();
    return message;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
