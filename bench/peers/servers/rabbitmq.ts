/** RabbitMQ, one node, with an Erlang port mapper of its own so that none is left behind. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChildServer, freePort } from "./child-server.ts";
import { findProgram } from "./programs.ts";
import type { StartServer } from "./server.ts";

const ADVICE = "apt install rabbitmq-server";
/** Debian's start script that runs as whoever calls it. The one on PATH changes to the user rabbitmq. */
const DEBIAN_SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export const rabbitmqServer: StartServer = async (folder) => {
  const mapperProgram = findProgram("epmd", ADVICE);
  const program = findProgram("rabbitmq-server", ADVICE, DEBIAN_SCRIPT);
  const [port, distributionPort, mapperPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const mnesia = join(folder, "mnesia");
  mkdirSync(mnesia);
  writeFileSync(join(folder, "rabbitmq.conf"), `listeners.tcp.1 = 127.0.0.1:${port}\n`);
  writeFileSync(join(folder, "plugins"), "[].\n");
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `bench-${process.pid}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_MNESIA_BASE: mnesia,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_PID_FILE: join(folder, "rabbitmq.pid"),
  };
  const mapper = await ChildServer.start({
    program: mapperProgram,
    args: ["-port", String(mapperPort)],
    env,
    port: mapperPort,
  });
  try {
    const server = await ChildServer.start({ program, args: [], env, port });
    return {
      address: `127.0.0.1:${port}`,
      version: /RabbitMQ (\d[\w.]*)/.exec(server.output)?.[1] ?? "unknown",
      cpuMs: () => server.cpuMs(),
      stop: async () => {
        await server.stop();
        await mapper.stop();
      },
    };
  } catch (error) {
    await mapper.stop();
    throw error;
  }
};
