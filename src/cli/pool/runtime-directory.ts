/**
 * Where the pools of a user on this machine have their control sockets.
 *
 *  R1  Nobody else can reach them: the folder is the user's own and closed to others, or it is refused.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

/** Longest path of a Unix domain socket that every system takes. */
const MAX_SOCKET_PATH_BYTES = 103;
/** Permissions that anybody but the owner has. */
const OTHERS = 0o077;

/** The folder, in XDG_RUNTIME_DIR where there is one. */
export function runtimeDirectory({ env }: Pick<Terminal, "env">): string {
  const { XDG_RUNTIME_DIR } = env;
  return XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, "sluice") : join(tmpdir(), `sluice-${process.getuid?.() ?? "user"}`);
}

/** Makes the folder if it is not there. CommandError when it belongs to somebody else or is open to others. */
export function openRuntimeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const about = lstatSync(directory);
  const isOurs = about.isDirectory() && (process.getuid === undefined || about.uid === process.getuid());
  if (isOurs && (about.mode & OTHERS) === 0) return;
  throw new CommandError(
    `${directory} is not a folder that only you can use: remove it, or set XDG_RUNTIME_DIR to a folder of yours`,
  );
}

/** The socket of a queue's pool. Names of queues can be longer than paths of sockets, and have slashes. */
export function socketPath(directory: string, queue: string): string {
  const path = join(directory, `pool-${createHash("sha256").update(queue).digest("hex").slice(0, 16)}.sock`);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  throw new CommandError(`${path} is too long for a socket: set XDG_RUNTIME_DIR to a folder with a shorter name`);
}

/** The sockets that are there, of pools that run or once ran. */
export function socketPaths(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^pool-[0-9a-f]+\.sock$/.test(name))
      .map((name) => join(directory, name));
  } catch {
    // No folder: no pool has ever run.
    return [];
  }
}
