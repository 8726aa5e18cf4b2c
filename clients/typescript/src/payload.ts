/**
 * Turns what programs have (bytes, text, values) into payload bytes with a content type.
 */
import { SluiceClientError } from "./errors.ts";

/** Bytes go as they are, a string as UTF-8 text, anything else as JSON. */
export type Payload = Uint8Array | ArrayBuffer | string | number | boolean | object | null;

/** Payload bytes and their MIME type; both empty for no payload. */
export interface EncodedPayload {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

const NOTHING: EncodedPayload = { bytes: new Uint8Array(0), contentType: "" };

/**
 * Encodes a payload or a handler's output: undefined is nothing, bytes are `application/octet-stream`, a string is
 * `text/plain; charset=utf-8`, the rest `application/json`. INVALID_ARGUMENT when JSON cannot say it.
 */
export function encodePayload(value: unknown): EncodedPayload {
  if (value === undefined) return NOTHING;
  if (typeof value === "string") return { bytes: Buffer.from(value), contentType: "text/plain; charset=utf-8" };
  const bytes = asBytes(value);
  if (bytes !== undefined) return { bytes, contentType: "application/octet-stream" };
  return { bytes: Buffer.from(toJson(value)), contentType: "application/json" };
}

function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined;
}

function toJson(value: unknown): string {
  let cause: unknown;
  try {
    const json: string | undefined = JSON.stringify(value);
    if (json !== undefined) return json;
  } catch (error) {
    cause = error;
  }
  throw new SluiceClientError(
    "INVALID_ARGUMENT",
    `a ${typeof value} that JSON cannot say: pass bytes or text instead`,
    {
      cause,
    },
  );
}

const decoder = new TextDecoder();

/** The bytes as UTF-8 text. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The bytes as JSON. INVALID_ARGUMENT when they are not JSON. That the value is a T is the caller's claim, unchecked. */
export function decodeJson<T = unknown>(bytes: Uint8Array): T {
  try {
    return JSON.parse(decodeText(bytes));
  } catch (cause) {
    throw new SluiceClientError("INVALID_ARGUMENT", `the ${bytes.length} bytes are not JSON`, { cause });
  }
}
