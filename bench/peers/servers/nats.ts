/** A NATS server with JetStream. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChildServer, freePort } from "./child-server.ts";
import { findProgram, isAtLeast, versionOf } from "./programs.ts";
import { NotInstalledError, type StartServer } from "./server.ts";

/** @param sync "always" = fsync at every write; "default" = every two minutes */
export function natsServer(sync: "always" | "default"): StartServer {
  return async (folder) => {
    const program = findProgram("nats-server", "apt install nats-server");
    const version = versionOf(program, ["--version"]);
    if (sync === "always" && !isAtLeast(version, 2, 10)) {
      throw new NotInstalledError(
        `nats-server ${version} has no sync_interval: install 2.10 or later and name it in SLUICE_BENCH_NATS_SERVER`,
      );
    }
    const port = await freePort();
    const config = join(folder, "nats.conf");
    const interval = sync === "always" ? "sync_interval: always" : "";
    writeFileSync(config, `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${folder}"\n${interval}\n}\n`);
    const server = await ChildServer.start({ program, args: ["-c", config], port });
    return { address: `127.0.0.1:${port}`, version, cpuMs: () => server.cpuMs(), stop: () => server.stop() };
  };
}
