/**
 * The HTTP plane on a distributor, with what a test needs to talk to it: a client that sends exactly what it is told.
 */
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { vi } from "vitest";
import type { Distributor } from "../../src/engine/api.ts";
import { type HttpOptions, type RunningHttp, startHttp } from "../../src/http/server.ts";
import { DEFAULT_RPC_LIMITS } from "../../src/rpc/limits.ts";

/** An answer as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json(): unknown;
}

/** What to send. */
export interface HttpInput {
  readonly verb?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A server under test. */
export interface HttpRig extends AsyncDisposable {
  readonly server: RunningHttp;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** What it logged above debug, but for actions of operators. */
  readonly logged: Readonly<Record<string, unknown>>[];
  /** The audit log. */
  readonly actions: Readonly<Record<string, unknown>>[];
  /** The access log. */
  readonly requests: Readonly<Record<string, unknown>>[];
  readonly drains: number;
  /** Sends a request over HTTP/1.1. Rejects when the connection breaks. */
  send(path: string, input?: HttpInput): Promise<HttpAnswer>;
  /** Sends JSON by POST. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
}

/** A condition that is awaited must hold by then. */
const DEADLINE_MS = 15_000;

/** What `assertion` gives, once it holds. Rejects with what is wrong when it does not by the deadline. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: DEADLINE_MS, interval: 5 });
}

/** Serves a distributor by HTTP on a free port. */
export async function serveHttp(distributor: Distributor, options: Partial<HttpOptions> = {}): Promise<HttpRig> {
  const logged: Readonly<Record<string, unknown>>[] = [];
  const actions: Readonly<Record<string, unknown>>[] = [];
  const requests: Readonly<Record<string, unknown>>[] = [];
  let drains = 0;
  const log = (fields: Readonly<Record<string, unknown>>) => {
    if (fields["event"] === "operator.action") actions.push(fields);
    else if (fields["event"] === "http.request") requests.push(fields);
    else logged.push(fields);
  };
  const server = await startHttp({
    distributor,
    host: "127.0.0.1",
    port: 0,
    limits: DEFAULT_RPC_LIMITS,
    logger: { debug: log, info: log, warn: log, error: log },
    version: "1.2.3",
    allowedOrigins: [],
    storage: async () => ({ usedBytes: 4096, freeBytes: 8192 }),
    drain: () => {
      drains += 1;
    },
    ...options,
  });
  const agent = new Agent();
  const send = (path: string, input: HttpInput = {}) => exchange(agent, server.port, path, input);
  return {
    server,
    url: `http://127.0.0.1:${server.port}`,
    logged,
    actions,
    requests,
    get drains() {
      return drains;
    },
    send,
    post: (path, body, headers = {}) =>
      send(path, {
        verb: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await server.close();
    },
  };
}

function exchange(agent: Agent, port: number, path: string, input: HttpInput): Promise<HttpAnswer> {
  const { verb = "GET", headers = {}, body } = input;
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: "127.0.0.1", port, path, method: verb, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text),
        });
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
