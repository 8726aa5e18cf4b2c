/** The version of the program, as its package says. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Name of the package whose version counts: the folders above may belong to others. */
const PACKAGE_NAME = "sluice";

/** Version of this program; "unknown" when its package.json is not above this file. */
export function programVersion(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  // Sources and built files lie at different depths below package.json.
  while (directory !== dirname(directory)) {
    const version = versionIn(join(directory, "package.json"));
    if (version !== undefined) return version;
    directory = dirname(directory);
  }
  return "unknown";
}

function versionIn(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  if (!("name" in parsed) || parsed.name !== PACKAGE_NAME) return undefined;
  return "version" in parsed && typeof parsed.version === "string" ? parsed.version : undefined;
}
