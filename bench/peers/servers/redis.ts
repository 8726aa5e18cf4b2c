/** Redis with its append-only file, snapshots off. */
import { ChildServer, freePort } from "./child-server.ts";
import { findProgram, versionOf } from "./programs.ts";
import type { StartServer } from "./server.ts";

/** @param appendfsync "always" or "everysec" */
export function redisServer(appendfsync: "always" | "everysec"): StartServer {
  return async (folder) => {
    const program = findProgram("redis-server", "apt install redis-server");
    const port = await freePort();
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    args.push("--appendonly", "yes", "--appendfsync", appendfsync);
    const server = await ChildServer.start({ program, args, port });
    return {
      address: `127.0.0.1:${port}`,
      version: versionOf(program, ["--version"]),
      cpuMs: () => server.cpuMs(),
      stop: () => server.stop(),
    };
  };
}
