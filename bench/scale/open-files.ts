/**
 * Room for ten thousand sockets. Node.js cannot raise its own limit of open files, a shell can: the bench starts itself again
 * under one when its limit is too low and the system allows more.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Set in the environment of a bench that was started again, so that it is tried once only. */
const RAISED = "SLUICE_BENCH_FILES_RAISED";
/** Files that a process has open besides those sockets. */
const OTHER_FILES = 200;

/** Limits of open files of this process. */
export interface FileLimits {
  readonly soft: number;
  readonly hard: number;
}

/** Reads /proc/self/limits; where that is not there, a usual default. */
export function fileLimits(): FileLimits {
  try {
    return parseFileLimits(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return { soft: 1024, hard: 1024 };
  }
}

/** See `fileLimits`. */
export function parseFileLimits(limits: string): FileLimits {
  const found = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits);
  const value = (text = ""): number => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text));
  return { soft: value(found?.[1]), hard: value(found?.[2]) };
}

/** The fewest streams per connection with which so many analyzers fit; at least what is asked for. */
export function perConnectionWithin(analyzers: number, wished: number, limit: number): number {
  const connections = Math.max(1, limit - OTHER_FILES);
  return Math.max(wished, Math.ceil(analyzers / connections));
}

/** Starts this program again with more open files if that helps. Returns its exit code, or undefined to go on in this one. */
export function againWithMoreFiles(connections: number): number | undefined {
  const { soft, hard } = fileLimits();
  const wanted = Math.min(hard, connections + OTHER_FILES);
  if (soft >= wanted || process.env[RAISED] !== undefined) return undefined;
  const command = `ulimit -n ${wanted} && exec "$@"`;
  const [entry = "", ...args] = process.argv.slice(1);
  const { status } = spawnSync("sh", ["-c", command, "sh", process.execPath, entry, ...args], {
    stdio: "inherit",
    env: { ...process.env, [RAISED]: "1" },
  });
  return status ?? 1;
}
