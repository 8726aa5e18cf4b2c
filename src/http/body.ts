/**
 * Reads the body of a request: within the limit of a message, in time, and with no more in memory for all callers together
 * than MAX_BUFFERED_BODY_BYTES.
 *
 * Connect gets the body in one piece. Its own decoder of streams looks at all pieces again with each new one, so that a
 * caller who sends a message in single bytes would hold up the node.
 */
import { SluiceError } from "../core/errors.ts";
import { HttpRefusal } from "./answers.ts";
import { MAX_BUFFERED_BODY_BYTES, REQUEST_TIMEOUT_MS } from "./limits.ts";
import type { NodeRequest } from "./sockets.ts";

const BUSY_RETRY_MS = 1000;

/** Bodies of one server. */
export class Bodies {
  readonly #maxBytes: number;
  #heldBytes = 0;

  /** @param maxBytes of one body */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Runs `use` with the whole body; its bytes count as held until that has ended. Rejects with HttpRefusal. */
  async with<T>(request: NodeRequest, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    let bytes = 0;
    const hold = (more: number): void => {
      bytes += more;
      this.#heldBytes += more;
    };
    try {
      return await use(await this.#read(request, hold));
    } finally {
      this.#heldBytes -= bytes;
    }
  }

  async #read(request: NodeRequest, hold: (bytes: number) => void): Promise<Uint8Array> {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      request.destroy();
    }, REQUEST_TIMEOUT_MS);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      if (Number(request.headers["content-length"] ?? 0) > this.#maxBytes) throw tooLarge(this.#maxBytes);
      // The request stays, so that its refusal can still be answered.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        if (!Buffer.isBuffer(chunk)) throw new Error("the request's body is no longer bytes");
        bytes += chunk.length;
        if (bytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
        if (this.#heldBytes + chunk.length > MAX_BUFFERED_BODY_BYTES) throw tooBusy();
        hold(chunk.length);
        chunks.push(chunk);
      }
    } catch (error) {
      // What still comes is dropped: a caller that is busy sending would not read the answer.
      request.resume();
      throw timedOut ? tooSlow() : error;
    } finally {
      clearTimeout(timer);
    }
    return Buffer.concat(chunks);
  }
}

function tooLarge(maxBytes: number): HttpRefusal {
  const message = `the request's body has more than ${maxBytes} bytes: send less, or raise maxMessageBytes of the node`;
  return new HttpRefusal(413, new SluiceError("RESOURCE_EXHAUSTED", message));
}

function tooBusy(): HttpRefusal {
  const message = "too many large requests at a time: try again";
  return new HttpRefusal(503, new SluiceError("UNAVAILABLE", message, BUSY_RETRY_MS));
}

function tooSlow(): HttpRefusal {
  const message = `the request's body did not come within ${REQUEST_TIMEOUT_MS} ms: send it faster`;
  return new HttpRefusal(408, new SluiceError("DEADLINE_EXCEEDED", message));
}
