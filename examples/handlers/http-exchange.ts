/**
 * One request and its answer, and what a redirect makes of a request.
 */

/** A request to make. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body?: string | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** They are for the host that they were meant for. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization"];
/** They describe a body. */
const BODY_HEADERS = ["content-type", "content-encoding", "content-language", "content-location"];

/** Sends it, and comes back with the headers of the answer. */
export function send({ url, method, headers, body }: HttpRequest, signal: AbortSignal): Promise<Response> {
  // Redirects come back here, because each one needs permission.
  return fetch(url, { method, headers, body: body ?? null, signal, redirect: "manual" });
}

/** The request that an answer redirects to, if it does (Fetch Standard, HTTP-redirect fetch). */
export function redirected(request: HttpRequest, response: Response): HttpRequest | undefined {
  const location = response.headers.get("location");
  if (location === null || !REDIRECTS.has(response.status) || !URL.canParse(location, request.url.href))
    return undefined;
  const url = new URL(location, request.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const headers = new Headers(request.headers);
  if (url.origin !== request.url.origin) for (const name of CREDENTIALS) headers.delete(name);
  if (!becomesGet(request.method, response.status)) return { ...request, url, headers };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, headers, method: "GET" };
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}
