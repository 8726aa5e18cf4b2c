/** beanstalkd with its write-ahead log. */
import { ChildServer, freePort } from "./child-server.ts";
import { findProgram, versionOf } from "./programs.ts";
import type { StartServer } from "./server.ts";

/** @param fsyncMs at most one fsync in this time; 0 = one for every write */
export function beanstalkdServer(fsyncMs: number): StartServer {
  return async (folder) => {
    const program = findProgram("beanstalkd", "apt install beanstalkd");
    const port = await freePort();
    const args = ["-l", "127.0.0.1", "-p", String(port), "-b", folder, `-f${fsyncMs}`];
    const server = await ChildServer.start({ program, args, port });
    return {
      address: `127.0.0.1:${port}`,
      version: versionOf(program, ["-v"]),
      cpuMs: () => server.cpuMs(),
      stop: () => server.stop(),
    };
  };
}
