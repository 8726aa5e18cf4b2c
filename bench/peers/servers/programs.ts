/** Finding the servers' programs. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { NotInstalledError } from "./server.ts";

/** Where distributions put servers that are not on every user's PATH. */
const SERVER_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * Path of a program: what `SLUICE_BENCH_<NAME>` names, else the preferred one if it is there, else what is on PATH.
 *
 * @param advice how to get it
 */
export function findProgram(name: string, advice: string, preferred?: string): string {
  const variable = `SLUICE_BENCH_${name.toUpperCase().replaceAll("-", "_")}`;
  const named = process.env[variable];
  if (named !== undefined) {
    if (!isProgram(named)) throw new NotInstalledError(`${variable} names ${named}, which cannot be run`);
    return named;
  }
  if (preferred !== undefined && isProgram(preferred)) return preferred;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS];
  const path = folders.map((folder) => join(folder, name)).find(isProgram);
  if (path === undefined) throw new NotInstalledError(`not installed: ${advice}`);
  return path;
}

/** The first number with a dot in what a program prints about its version; "unknown" if there is none. */
export function versionOf(path: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(path, args, { encoding: "utf8" });
  return parseVersion(`${stdout}${stderr}`);
}

/** See `versionOf`. */
export function parseVersion(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? "unknown";
}

/** Whether a version such as "2.9.10" is at least that one. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
