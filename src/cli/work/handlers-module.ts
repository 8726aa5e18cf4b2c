/** Loads the handlers of `sluice work --handlers MODULE`. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Handler, Handlers } from "@sluice/client";
import { CommandError, UsageError } from "../exit.ts";

/**
 * Loads a JavaScript module whose default export, or export named `handlers`, is a handler or an object of handlers by
 * task type ("*" for all others). Throws UsageError when it is not there or exports something else, CommandError when loading it fails.
 */
export async function loadHandlers(module: string, directory: string): Promise<Handlers> {
  const path = resolve(directory, module);
  if (!existsSync(path)) throw new UsageError(`--handlers: there is no file ${path}`);
  const exported = await importModule(path);
  const handlers = exported.default ?? exported.handlers;
  if (isHandler(handlers)) return handlers;
  if (isHandlerMap(handlers)) return handlers;
  throw new UsageError(
    `--handlers: ${module} must export, as default or named 'handlers', a function or an object of functions by task type`,
  );
}

async function importModule(path: string): Promise<{ readonly default?: unknown; readonly handlers?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new CommandError(`--handlers: ${path} cannot be loaded: ${text}`);
  }
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

function isHandlerMap(value: unknown): value is Readonly<Record<string, Handler>> {
  if (typeof value !== "object" || value === null) return false;
  const handlers = Object.values(value);
  return handlers.length > 0 && handlers.every(isHandler);
}
