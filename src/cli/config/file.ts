/** Reads the configuration file: YAML, of which JSON is a part. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { UsageError } from "../exit.ts";

/** Read when no file is named and it exists. */
export const DEFAULT_FILE = "sluice.yaml";

/** A configuration file as read: names and values not checked yet. */
export interface ConfigFile {
  /** As the user named it. */
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Reads the named file, or the default one if it is there. Throws UsageError when it cannot be read or is no mapping. */
export function readConfigFile(named: string | undefined, directory: string): ConfigFile | undefined {
  const path = named ?? DEFAULT_FILE;
  const fullPath = resolve(directory, path);
  if (named === undefined && !existsSync(fullPath)) return undefined;

  let parsed: unknown;
  try {
    parsed = parse(readFileSync(fullPath, "utf8"));
  } catch (error) {
    throw new UsageError(`cannot read the configuration file ${path}: ${firstLine(error)}`);
  }
  // A file of nothing but comments is an empty mapping.
  if (parsed === null || parsed === undefined) return { path, values: {} };
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new UsageError(`the configuration file ${path} must be a mapping, such as 'port: 7070'`);
  }
  return { path, values: Object.fromEntries(Object.entries(parsed)) };
}

/** The YAML parser adds an excerpt of the file below its first line. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
