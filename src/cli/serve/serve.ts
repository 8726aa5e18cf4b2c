/**
 * Runs a node until it is told to stop or cannot go on.
 *
 * Ends with 0 after an orderly stop, with 1 when the node could not start or its storage failed.
 */
import { parseListen } from "../config/listen.ts";
import type { Config } from "../config/schema.ts";
import { EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { stopRequested } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { openTraces } from "../tracing/traces.ts";
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

  await using traces = await openTraces("sluice-node", terminal.env, (line) => log("warn", "traces.trouble", {}, line));

  let node: RunningNode;
  try {
    node = await startNode({
      config,
      version,
      logger,
      log,
      observer: traces.observer,
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

  logStart(log, config, node, version);
  const reason = await Promise.race([stopped, drainRequested]);
  log("info", "node.stopping", { reason });
  await node.stop();
  log("info", "node.stopped", {});
  return EXIT_OK;
}

function logStart(log: NodeLog, config: Config, { port, httpPort }: RunningNode, version: string): void {
  const { host, store, dataDir } = config;
  const place = store === "lmdb" ? `in ${dataDir}` : "in memory only";
  const httpHost = parseListen(config.httpListen)?.host;
  const http = httpHost === undefined || httpPort === undefined ? undefined : addressText(httpHost, httpPort);
  const fields = {
    host,
    port,
    ...(http === undefined ? {} : { http }),
    store,
    ...(store === "lmdb" ? { dataDir } : {}),
  };
  const where = `${addressText(host, port)}${http === undefined ? "" : `, HTTP on ${http}`}`;
  log("info", "node.started", { ...fields, version }, `sluice ${version} listens on ${where}, tasks ${place}`);
}

function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
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
