/**
 * The control socket of a running pool: HTTP with JSON on a Unix domain socket, so that any program can use it
 * (`curl --unix-socket PATH http://pool/status`).
 *
 *  GET /status                        answers with the status
 *  POST /scale {"analyzers": 3}       sets the number by hand; "auto" leaves it to what the node wants
 */
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { z } from "zod";
import { CommandError } from "../exit.ts";
import { requestStatus } from "./control-client.ts";
import type { PoolStatus } from "./status.ts";

/** What the socket reaches. */
export interface PoolControl {
  status(): PoolStatus;
  /** Undefined: what the node wants. */
  scale(analyzers: number | undefined): void;
}

/** Largest request; larger is refused. */
const MAX_REQUEST_BYTES = 4096;

/** Listens until disposed, which takes the socket away. CommandError when a pool of the same queue runs already. */
export async function serveControl(path: string, queue: string, control: PoolControl): Promise<AsyncDisposable> {
  const server = createServer((request, response) => void answer(request, response, control));
  try {
    await listen(server, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const other = await requestStatus(path);
    if (other !== undefined) {
      throw new CommandError(`a pool of queue ${queue} runs already, as pid ${other.pid}: see 'sluice pool status'`);
    }
    // Left behind by a pool that was killed.
    rmSync(path, { force: true });
    await listen(server, path);
  }
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, control: PoolControl): Promise<void> {
  const { status, body } = await reply(request, control);
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(`${JSON.stringify(body)}\n`);
}

async function reply(request: IncomingMessage, control: PoolControl): Promise<{ status: number; body: unknown }> {
  const what = `${request.method} ${request.url}`;
  if (what === "GET /status") return { status: 200, body: control.status() };
  if (what !== "POST /scale") return refusal(404, "there is GET /status and POST /scale");
  const { max } = control.status();
  const wish = z.object({ analyzers: z.union([z.int().min(0).max(max), z.literal("auto")]) });
  const parsed = wish.safeParse(await readJson(request));
  if (!parsed.success) return refusal(400, `analyzers must be a whole number from 0 to ${max} (--max), or "auto"`);
  const { analyzers } = parsed.data;
  control.scale(analyzers === "auto" ? undefined : analyzers);
  return { status: 200, body: control.status() };
}

function refusal(status: number, error: string): { status: number; body: unknown } {
  return { status, body: { error } };
}

/** Undefined for what is no JSON or too large. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request) {
      bytes += part.length;
      if (bytes > MAX_REQUEST_BYTES) return undefined;
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    return undefined;
  }
}
