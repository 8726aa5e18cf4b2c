/**
 * Payloads and outputs as the plain REST face shows them: JSON as JSON, text as text, anything else in base64.
 *
 *  P1  What is shown of a payload can be submitted again as it is, and has the same bytes then, but for JSON, which has the
 *      same value.
 */
import { SluiceError } from "../../core/errors.ts";

/** One of the three forms, or none for no bytes. */
export interface Shown {
  readonly json?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** Bytes with their MIME type. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
const TEXT_TYPE = /^text\//i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The form that fits the type, if the bytes keep what it promises. */
export function show({ bytes, contentType }: Content): Shown {
  if (bytes.length === 0) return {};
  const text = utf8(bytes);
  if (text !== undefined && JSON_TYPE.test(contentType)) {
    const json = parsed(text);
    if (json !== undefined) return { json: json.value };
  }
  if (text !== undefined && TEXT_TYPE.test(contentType)) return { text };
  return { base64: Buffer.from(bytes).toString("base64") };
}

/** The bytes that a form stands for. `contentType` overrides the one that follows from the form. Throws SluiceError. */
export function contentOf({ json, text, base64 }: Shown, contentType: string | undefined): Content {
  const given = [json, text, base64].filter((form) => form !== undefined);
  if (given.length > 1) throw invalid("give one of payload, payloadText and payloadBase64");
  if (json !== undefined) {
    return { bytes: Buffer.from(JSON.stringify(json)), contentType: contentType ?? "application/json" };
  }
  if (text !== undefined) return { bytes: Buffer.from(text), contentType: contentType ?? "text/plain; charset=utf-8" };
  if (base64 === undefined) return { bytes: new Uint8Array(0), contentType: contentType ?? "" };
  if (!BASE64.test(base64)) throw invalid("payloadBase64 must be base64 with padding");
  return { bytes: Buffer.from(base64, "base64"), contentType: contentType ?? "application/octet-stream" };
}

function invalid(message: string): SluiceError {
  return new SluiceError("INVALID_ARGUMENT", message);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
