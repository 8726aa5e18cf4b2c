/**
 * The peers' client libraries: installed by npm on first use, beside the built bench, where its imports find them. They are no
 * dependencies of the project.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** dist/bench/peers. */
const BUILT = fileURLToPath(new URL(".", import.meta.url));
const MANIFEST = join(BUILT, "../../../bench/peers/package.json");

/** Installs what the manifest names, unless it is there in just those versions. No install scripts are run. */
export function installPackages(log: (line: string) => void): void {
  const wanted = dependenciesOf(MANIFEST);
  if (Object.entries(wanted).every(([name, version]) => installedVersion(name) === version)) return;
  log("installing the peers' client libraries (npm)");
  copyFileSync(MANIFEST, join(BUILT, "package.json"));
  const args = ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel", "error"];
  const { status, error } = spawnSync("npm", args, { cwd: BUILT, stdio: "inherit" });
  if (status !== 0) throw new Error(`npm install failed in ${BUILT}: ${error?.message ?? `status ${status}`}`);
}

/** Version of an installed client library; "unknown" if it cannot be found. */
export function clientVersion(name: string): string {
  return installedVersion(name) ?? "unknown";
}

function installedVersion(name: string): string | undefined {
  // Some packages do not let their manifest be imported: look for the file in the folders that are searched.
  const folders = createRequire(join(BUILT, "main.js")).resolve.paths(name) ?? [];
  const manifest = folders.map((folder) => join(folder, name, "package.json")).find((path) => existsSync(path));
  if (manifest === undefined) return undefined;
  const value: unknown = JSON.parse(readFileSync(manifest, "utf8"));
  return typeof value === "object" && value !== null && "version" in value ? String(value.version) : undefined;
}

function dependenciesOf(manifest: string): Record<string, string> {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(manifest, "utf8"));
  return dependencies;
}

/** Folder of this project. */
export const PROJECT = dirname(join(BUILT, "../.."));
