/** What pages of allowed origins are told, so that their browsers let them call. */
import { cors } from "@connectrpc/connect";
import { OPERATOR_HEADER } from "../rpc/method.ts";
import type { Answer } from "./answers.ts";

/** How long a browser may remember that a call is allowed, in seconds. */
const MAX_AGE_SECONDS = 7200;

/** The answer to a browser that asks before it calls. */
export function preflight(headers: Headers): Answer {
  const asksForLocal = headers.get("access-control-request-private-network") === "true";
  return {
    status: 204,
    header: new Headers({
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-headers": [...cors.allowedHeaders, OPERATOR_HEADER].join(", "),
      "access-control-max-age": String(MAX_AGE_SECONDS),
      ...(asksForLocal ? { "access-control-allow-private-network": "true" } : {}),
    }),
  };
}

/** Lets a page of this origin read the answer. */
export function allowOrigin(answer: Answer, origin: string): void {
  const header = answer.header ?? new Headers();
  header.set("access-control-allow-origin", origin);
  header.append("vary", "Origin");
  header.set("access-control-expose-headers", [...cors.exposedHeaders, "Location", "Retry-After"].join(", "));
}
