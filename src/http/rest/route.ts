/**
 * A route of the plain REST face: what it takes and gives, and who answers it. The table of routes is what is served and
 * what `/openapi.json` says.
 */
import type { z } from "zod";
import { SluiceError } from "../../core/errors.ts";
import { type Answer, HttpRefusal } from "../answers.ts";
import type { HttpRequest } from "../request.ts";

/** An answer that a route may give. */
export interface RouteAnswer {
  readonly description: string;
  readonly schema: z.ZodType;
}

/** A route. */
export interface Route {
  readonly verb: "GET" | "POST" | "DELETE";
  /** `{id}` stands for one segment. */
  readonly path: string;
  /** Name of the operation, for generated clients. */
  readonly operation: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** By status. Errors have one shape for all routes. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  /** Rejects with SluiceError. */
  answer(request: HttpRequest, id: string): Promise<Answer>;
}

/** The id in a path that this route matches; empty for a route without; undefined when it does not match. */
export function match({ path }: Route, requested: string): string | undefined {
  const [before = "", after] = path.split("{id}");
  if (after === undefined) return requested === path ? "" : undefined;
  if (!requested.startsWith(before) || !requested.endsWith(after)) return undefined;
  const id = requested.slice(before.length, requested.length - after.length);
  return id === "" || id.includes("/") ? undefined : id;
}

/** The body as this shape. Throws SluiceError or HttpRefusal with what to mend. */
export function readBody<T>(schema: z.ZodType<T>, { body, headers }: HttpRequest): T {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    const given = type === "" ? "no content type" : type;
    const message = `the body has ${given}: send application/json, with curl --json '{...}'`;
    throw new HttpRefusal(415, new SluiceError("INVALID_ARGUMENT", message));
  }
  return checked(schema, parse(body), "the body");
}

/** The query as this shape. Throws SluiceError with what to mend. */
export function readQuery<T>(schema: z.ZodType<T>, { url }: HttpRequest): T {
  const repeated = [...url.searchParams.keys()].filter((name, index, names) => names.indexOf(name) !== index);
  if (repeated.length > 0) throw new SluiceError("INVALID_ARGUMENT", `the query has ${repeated[0]} more than once`);
  return checked(schema, Object.fromEntries(url.searchParams), "the query");
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError("INVALID_ARGUMENT", `the body is not JSON: ${reason}`);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new SluiceError("INVALID_ARGUMENT", `${what} does not fit: ${problems.join("; ")}. See /openapi.json`);
}
