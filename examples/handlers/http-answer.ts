/**
 * What came back from an HTTP request, read within a limit.
 */
import { HandlerError } from "@sluice/client";

/** The most of a body that is read: with what JSON adds it fits into the result of a task. */
export const MAX_BODY_BYTES = 262_144;

/** See the top of the file. */
export interface HttpAnswer {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly redirects: number;
  readonly contentType: string;
  /** Bytes of the body that were read. */
  readonly bytes: number;
  /** The body as text, when it is UTF-8. */
  readonly text?: string;
  /** The body otherwise. */
  readonly base64?: string;
}

/**
 * Reads an answer to its end. Throws BODY_TOO_LARGE, non-retryable, when the body is longer than MAX_BODY_BYTES; with a
 * status that is none of success the status matters more, and the body is cut.
 */
export async function readAnswer(response: Response, url: URL, redirects: number): Promise<HttpAnswer> {
  const body = await readBody(response);
  return {
    status: response.status,
    url: url.href,
    redirects,
    contentType: response.headers.get("content-type") ?? "",
    bytes: body.length,
    ...contentOf(body),
  };
}

async function readBody({ body, ok }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      if (!ok) break;
      throw new HandlerError(`the body is longer than ${MAX_BODY_BYTES} bytes`, {
        code: "BODY_TOO_LARGE",
        nonRetryable: true,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function contentOf(body: Buffer): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(body) };
  } catch {
    return { base64: body.toString("base64") };
  }
}
