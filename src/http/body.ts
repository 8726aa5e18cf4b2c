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
  readonly #maxHeldBytes: number;
  #heldBytes = 0;

  /** @param maxBytes of one body; `maxHeldBytes` of all that are held at a time */
  constructor(maxBytes: number, maxHeldBytes = MAX_BUFFERED_BODY_BYTES) {
    this.#maxBytes = maxBytes;
    this.#maxHeldBytes = maxHeldBytes;
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

  #read(request: NodeRequest, hold: (bytes: number) => void): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const take = (chunk: Buffer): void => {
        bytes += chunk.length;
        if (bytes > this.#maxBytes) refuse(tooLarge(this.#maxBytes));
        else if (this.#heldBytes + chunk.length > this.#maxHeldBytes) refuse(tooBusy());
        else {
          hold(chunk.length);
          chunks.push(chunk);
        }
      };
      const refuse = (error: Error): void => {
        clearTimeout(timer);
        request.off("data", take);
        // What still comes is dropped: a caller that is busy sending would not read the answer.
        request.resume();
        reject(error);
      };
      const timer = setTimeout(() => refuse(tooSlow()), REQUEST_TIMEOUT_MS);
      request.on("data", take);
      request.once("end", () => {
        clearTimeout(timer);
        resolve(Buffer.concat(chunks));
      });
      request.once("error", refuse);
      request.once("close", () => refuse(new Error("the caller has gone before the request's body had come")));
      if (Number(request.headers["content-length"] ?? 0) > this.#maxBytes) refuse(tooLarge(this.#maxBytes));
    });
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
