/**
 * Talks to a running pool over its control socket.
 */
import { request as httpRequest } from "node:http";
import { z } from "zod";
import { CommandError } from "../exit.ts";
import { type PoolStatus, poolStatusSchema } from "./status.ts";

/** A pool that does not answer for this long hangs. */
const ANSWER_DEADLINE_MS = 5000;
const refusalSchema = z.object({ error: z.string() });

/** Asks a pool how it is. Undefined: none runs behind this socket. */
export function requestStatus(path: string): Promise<PoolStatus | undefined> {
  return ask(path, { method: "GET", url: "/status" });
}

/** Sets the number of a pool's analyzers. Undefined: none runs behind this socket. CommandError when it is refused. */
export function requestScale(path: string, analyzers: number | "auto"): Promise<PoolStatus | undefined> {
  return ask(path, { method: "POST", url: "/scale", body: JSON.stringify({ analyzers }) });
}

interface Question {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
}

function ask(socketPath: string, { method, url, body }: Question): Promise<PoolStatus | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path: url, method, timeout: ANSWER_DEADLINE_MS }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        try {
          resolve(read(response.statusCode ?? 0, JSON.parse(Buffer.concat(parts).toString())));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on("timeout", () => {
      request.destroy(new CommandError(`the pool behind ${socketPath} does not answer`));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
      else reject(error);
    });
    request.end(body);
  });
}

function read(status: number, body: unknown): PoolStatus {
  if (status === 200) return poolStatusSchema.parse(body);
  const refusal = refusalSchema.safeParse(body);
  throw new CommandError(refusal.success ? refusal.data.error : `the pool answered with status ${status}`);
}
