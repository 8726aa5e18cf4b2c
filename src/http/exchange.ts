/** A request of Node.js and its answer, either protocol, as the rest of the HTTP plane sees them. */
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { type Caller, OPERATOR_HEADER } from "../rpc/method.ts";
import type { Provenance } from "./guard.ts";
import type { HttpRequest } from "./request.ts";
import type { NodeRequest, NodeResponse } from "./sockets.ts";

/** Any: only path and query count. */
const BASE = "http://node";

/** Everything of a request but its body; undefined when its target is none. */
export function readHead(request: NodeRequest, response: NodeResponse): Omit<HttpRequest, "body"> | undefined {
  const target = request.url ?? "";
  if (!URL.canParse(target, BASE)) return undefined;
  const url = new URL(target, BASE);
  const headers = headersOf(request);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return {
    verb: request.method ?? "",
    path: url.pathname,
    url,
    httpVersion: request.httpVersion,
    headers,
    signal: gone.signal,
    caller: callerOf(request, headers),
  };
}

/** Where a request comes from and goes to. */
export function provenanceOf(request: NodeRequest): Provenance {
  const { headers } = request;
  return {
    host: "authority" in request ? request.authority : headers.host,
    origin: headers.origin,
    fetchSite: single(headers["sec-fetch-site"]),
    fetchMode: single(headers["sec-fetch-mode"]),
  };
}

/** Sends an answer. Resolves when the answer is on its way or the caller has gone. */
export async function send(answer: UniversalServerResponse, response: NodeResponse): Promise<void> {
  try {
    await universalResponseToNodeResponse(answer, response);
  } catch {
    // Whoever has asked is not there any more: nobody is left to tell.
    response.destroy();
  }
}

function headersOf({ headers }: NodeRequest): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) result.append(name, one);
  }
  return result;
}

function callerOf({ socket }: NodeRequest, headers: Headers): Caller {
  return {
    via: "http",
    peer: `${socket.remoteAddress}:${socket.remotePort}`,
    agent: headers.get("user-agent") ?? "",
    operator: headers.get(OPERATOR_HEADER) ?? "",
  };
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
