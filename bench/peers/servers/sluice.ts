/** A Sluice node: the built program as a process of its own, on the embedded store, fsync before every OK. */
import { spawnSync } from "node:child_process";
import { startNodeProcess } from "../../node-process.ts";
import type { StartServer } from "./server.ts";

/**
 * @param program path of the built command line
 * @param execPath Node.js to run it on
 */
export function sluiceServer(program: string, execPath: string): StartServer {
  return async (folder) => {
    const node = await startNodeProcess(program, "lmdb", { execPath, dataFolder: folder });
    const version = spawnSync(execPath, [program, "--version"], { encoding: "utf8" }).stdout.trim();
    return { address: node.address, version, cpuMs: () => node.cpuMs(), stop: () => node.stop() };
  };
}
