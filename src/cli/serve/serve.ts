/**
 * Runs a node until it is told to stop or cannot go on.
 *
 * Ends with 0 after an orderly stop, with 1 when the node could not start or its storage failed.
 */
import type { Config } from "../config/schema.ts";
import { EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { stopRequested } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { createLogger, eventLog, type NodeLog } from "./log.ts";
import { type RunningNode, startNode } from "./node.ts";
import { explainStartFailure } from "./start-failure.ts";

/** Runs a node with this configuration. Resolves with the exit status. */
export async function serve(config: Config, version: string, terminal: Terminal): Promise<number> {
  const logger = createLogger(config, terminal);
  const log = eventLog(logger);
  endOnFaults(log);
  const stopped = stopRequested();
  let requestDrain = (): void => {};
  const drainRequested = new Promise<string>((resolve) => {
    requestDrain = () => resolve("operator");
  });

  let node: RunningNode;
  try {
    node = await startNode({
      config,
      version,
      logger,
      log,
      onStoreFailure: (error) => {
        log("fatal", "node.failed", { err: error }, `storage failed, the node must stop: ${error.message}`);
        process.exit(EXIT_FAILED);
      },
      onDrainRequest: () => requestDrain(),
    });
  } catch (error) {
    const { message, isExpected } = explainStartFailure(error);
    log("fatal", "node.failed", isExpected ? {} : { err: error }, message);
    return EXIT_FAILED;
  }

  logStart(log, config, node.port, version);
  const reason = await Promise.race([stopped, drainRequested]);
  log("info", "node.stopping", { reason });
  await node.stop();
  log("info", "node.stopped", {});
  return EXIT_OK;
}

function logStart(log: NodeLog, { host, store, dataDir }: Config, port: number, version: string): void {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const place = store === "lmdb" ? `in ${dataDir}` : "in memory only";
  const fields = { host, port, store, ...(store === "lmdb" ? { dataDir } : {}), version };
  log("info", "node.started", fields, `sluice ${version} listens on ${address}, tasks ${place}`);
}

/** What nobody expected leaves the node in an unknown state: the only safe thing is to end, the data is crash-safe. */
function endOnFaults(log: NodeLog): void {
  const end = (reason: string, error: unknown): void => {
    log("fatal", "node.failed", { err: error }, reason);
    process.exit(EXIT_FAILED);
  };
  process.on("uncaughtException", (error) => end("uncaught exception", error));
  process.on("unhandledRejection", (error) => end("unhandled rejection", error));
}
