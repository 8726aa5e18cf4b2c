/** The plain REST face as an OpenAPI 3.1 document, made of the table of routes. */
import { z } from "zod";
import type { Route } from "./route.ts";
import { ErrorShape } from "./shapes.ts";

/** The document. `version` is the program's. */
export function openApi(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.verb.toLowerCase()] = operation(route);
    paths[route.path] = operations;
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version,
      description:
        "The usual operations in plain JSON. Everything else is there by Connect: POST /sluice.v1.SERVICE/METHOD with a " +
        "JSON message, see proto/sluice/v1.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
  };
}

function operation({ operation: operationId, summary, query, body, path, answers }: Route): Record<string, unknown> {
  const parameters = [...(path.includes("{id}") ? [idParameter()] : []), ...queryParameters(query)];
  return {
    operationId,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonContent(body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema }]) => [
          status,
          { description, content: jsonContent(schema) },
        ]),
      ),
      default: { description: "an error, with what to do", content: jsonContent(ErrorShape) },
    },
  };
}

function idParameter(): Record<string, unknown> {
  return { name: "id", in: "path", required: true, description: "UUID of the task", schema: { type: "string" } };
}

function queryParameters(query: z.ZodObject | undefined): Record<string, unknown>[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = schemaOf(schema);
    return { name, in: "query", description, schema: rest };
  });
}

function jsonContent(schema: z.ZodType): Record<string, unknown> {
  return { "application/json": { schema: schemaOf(schema) } };
}

function schemaOf(schema: z.core.$ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
  return rest;
}
