/**
 * `http-request`: makes the HTTP request that the payload describes, where that is allowed.
 *
 * Payload: JSON `{"url": "http://127.0.0.1:8080/", "method": "POST", "headers": {}, "body": "...", "timeoutMs": 10000}`.
 *
 *  H1  Nothing is sent to an address that is not allowed, redirects included. By default none is: a task comes from
 *      whoever may submit, and must not be a way into the analyzer's network.
 *  H2  Every request ends: it has a timeout, a bounded number of redirects, and a bounded answer.
 *  H3  What may pass (429, 5xx, no connection, timeout) is tried again; what will not is not.
 *
 * A task may run more than once, and so may its request: let only repeatable requests travel as tasks.
 */
import { type Handler, HandlerError } from "@sluice/client";
import { z } from "zod";
import { type HttpAnswer, readAnswer } from "./http-answer.ts";
import { type HttpRequest, redirected, send } from "./http-exchange.ts";
import { addressOf, allowedAddresses } from "./http-permission.ts";
import { invalidPayload, readJson } from "./payload.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 300_000;
/** As many as curl and browsers allow is more than a task needs. */
const MAX_REDIRECTS = 5;
const TOO_MANY_REQUESTS = 429;
const FIRST_SERVER_ERROR = 500;
/** They decide where a request goes and where it ends, which is the business of this file. */
const OWN_HEADERS = new Set(["host", "connection", "content-length", "transfer-encoding", "upgrade"]);

const PAYLOAD = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }),
    method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).default("GET"),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.string().optional(),
    timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).default(DEFAULT_TIMEOUT_MS),
  })
  .refine(({ method, body }) => body === undefined || (method !== "GET" && method !== "HEAD"), {
    path: ["body"],
    message: "GET and HEAD have none",
  });
const EXPECTED =
  'JSON like {"url": "http://127.0.0.1:8080/", "method": "POST", "headers": {"accept": "text/plain"}, "body": "hello", ' +
  '"timeoutMs": 10000}';

/**
 * Makes the handler.
 * @param allow - where requests may go: a comma separated list of host:port, or `*` for everywhere. Empty: nowhere
 */
export function httpRequest(allow: string): Handler {
  const isAllowed = allowedAddresses(allow);
  return async (task, { signal }): Promise<HttpAnswer> => {
    const { timeoutMs, url, headers, ...rest } = readJson(task, PAYLOAD, EXPECTED);
    const request = { ...rest, url: checkedUrl(url), headers: checkedHeaders(headers) };
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return await follow(request, isAllowed, AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HandlerError) throw error;
      if (timeout.aborted) throw new HandlerError(`no whole answer within ${timeoutMs} ms`, { code: "HTTP_TIMEOUT" });
      throw new HandlerError(`no answer from ${addressOf(request.url)}: ${reasonOf(error)}`, {
        code: "HTTP_UNREACHABLE",
        cause: error,
      });
    }
  };
}

async function follow(
  first: HttpRequest,
  isAllowed: (address: string) => boolean,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let request = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    assertAllowed(request.url, isAllowed);
    const response = await send(request, signal);
    const next = redirected(request, response);
    if (next === undefined) {
      const answer = await readAnswer(response, request.url, redirects);
      if (!response.ok) throw refused(answer);
      return answer;
    }
    await response.body?.cancel();
    request = next;
  }
  throw new HandlerError(`more than ${MAX_REDIRECTS} redirects`, { code: "HTTP_REDIRECTS", nonRetryable: true });
}

function assertAllowed(url: URL, isAllowed: (address: string) => boolean): void {
  const address = addressOf(url);
  if (isAllowed(address)) return;
  throw new HandlerError(
    `requests to ${address} are not allowed: start the analyzer with ${address} in SLUICE_ALLOW_HTTP, a comma separated list`,
    { code: "HTTP_NOT_ALLOWED", nonRetryable: true },
  );
}

function refused(answer: HttpAnswer): HandlerError {
  const mayPass = answer.status === TOO_MANY_REQUESTS || answer.status >= FIRST_SERVER_ERROR;
  return new HandlerError(`${answer.url} answered ${answer.status}`, {
    code: "HTTP_STATUS",
    nonRetryable: !mayPass,
    details: answer,
  });
}

function checkedUrl(input: string): URL {
  const url = new URL(input);
  if (url.username === "" && url.password === "") return url;
  throw invalidPayload(`expected ${EXPECTED}: url: it must name no user; use the header authorization`);
}

function checkedHeaders(input: Readonly<Record<string, string>>): Headers {
  const own = Object.keys(input).find((name) => OWN_HEADERS.has(name.toLowerCase()));
  if (own !== undefined) throw invalidPayload(`expected ${EXPECTED}: headers.${own}: it cannot be set`);
  try {
    return new Headers(input);
  } catch (error) {
    throw invalidPayload(`expected ${EXPECTED}: headers: ${reasonOf(error)}`, error);
  }
}

/** Fetch says only that it failed; why is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
