/** PostgreSQL, a fresh cluster. It refuses to run as root: the bench, if it is root, runs it as the user postgres or nobody. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ChildServer, freePort } from "./child-server.ts";
import { findProgram, versionOf } from "./programs.ts";
import type { StartServer } from "./server.ts";

const ADVICE = "apt install postgresql, and put the folder with initdb and postgres on PATH";
/** fsync and synchronous_commit are what they are by default; the sizes fit a small machine. */
const SETTINGS = {
  fsync: "on",
  synchronous_commit: "on",
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  max_connections: "200",
  jit: "off",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
};

export const postgresServer: StartServer = async (folder) => {
  const initdb = findProgram("initdb", ADVICE);
  const program = findProgram("postgres", ADVICE);
  const user = ordinaryUser(readFileSync("/etc/passwd", "utf8"));
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (process.getuid?.() === 0) {
    chmodSync(dirname(data), 0o711);
    chownSync(data, user.uid, user.gid);
  }
  const owner = process.getuid?.() === 0 ? user : {};
  const made = spawnSync(initdb, ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale"], {
    encoding: "utf8",
    cwd: "/",
    ...owner,
  });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}${made.error?.message ?? ""}`);
  const port = await freePort();
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = await ChildServer.start({ program, args: ["-D", data, "-p", String(port), ...settings], port, user });
  return {
    address: `postgres://bench@127.0.0.1:${port}/postgres`,
    version: versionOf(program, ["--version"]),
    cpuMs: () => server.cpuMs(),
    // SIGINT: ends connections and writes a checkpoint; SIGTERM would wait for clients to leave.
    stop: () => server.stop("SIGINT"),
  };
};

/** A user without rights. @param passwd the text of /etc/passwd */
export function ordinaryUser(passwd: string): { readonly uid: number; readonly gid: number } {
  const users = new Map(passwd.split("\n").map((line) => [line.split(":")[0], line.split(":")]));
  const fields = users.get("postgres") ?? users.get("nobody");
  return { uid: Number(fields?.[2] ?? 65534), gid: Number(fields?.[3] ?? 65534) };
}
