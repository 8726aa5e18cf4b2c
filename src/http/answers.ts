/** Answers of HTTP: a status, headers, a body. */
import { Code } from "@connectrpc/connect";
import { createAsyncIterable, type UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { SluiceError } from "../core/errors.ts";
import { errorBody, httpStatus, refusalBody, retryAfter } from "./status.ts";

/** An answer. */
export type Answer = UniversalServerResponse;

/** A refusal whose status is not the one that follows from its code. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly status: number;
  readonly refusal: SluiceError;

  constructor(status: number, refusal: SluiceError) {
    super(refusal.message);
    this.status = status;
    this.refusal = refusal;
  }
}

const encoder = new TextEncoder();

/** Text. Nothing that a node answers may be kept by caches or be taken by a browser for something else. */
export function text(status: number, body: string, contentType: string, headers: Record<string, string> = {}): Answer {
  const bytes = encoder.encode(body);
  return {
    status,
    header: new Headers({
      "content-type": contentType,
      "content-length": String(bytes.length),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    }),
    body: createAsyncIterable([bytes]),
  };
}

/** A value as JSON, on one line. */
export function json(status: number, value: unknown, headers?: Record<string, string>): Answer {
  return text(status, `${JSON.stringify(value)}\n`, "application/json", headers);
}

/** An error of the contract. */
export function failed(error: SluiceError): Answer {
  return json(httpStatus(error), errorBody(error), retryAfter(error));
}

/** A refusal of HTTP itself, with what to do. */
export function refused(status: number, code: Code, message: string, headers?: Record<string, string>): Answer {
  return json(status, refusalBody(code, message), headers);
}

/** Nobody lives at this path. */
export function notFound(path: string): Answer {
  // What a client of the contract must see for a method that is not there.
  const code = path.startsWith("/sluice.") ? Code.Unimplemented : Code.NotFound;
  return refused(404, code, "nothing is at this path: /openapi.json lists what is, and proto/sluice/v1 the methods");
}

/** The path does not take this verb. */
export function wrongVerb(allowed: readonly string[]): Answer {
  return refused(405, Code.Unimplemented, `this path takes ${allowed.join(" and ")}`, { allow: allowed.join(", ") });
}
