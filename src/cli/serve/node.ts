/**
 * Composition of one node: store, engine, gRPC server and HTTP server, in the order in which they start and stop.
 *
 *  N1  Nothing is served before the store is open and the engine has started.
 *  N2  A stop refuses new work first, then waits for results, then closes the sockets, gRPC before HTTP so that the stop
 *      can be watched to its end, then the store.
 *  N3  After a storage failure nothing is written any more: the caller ends the process.
 */
import type { Logger } from "pino";
import { systemClock } from "../../engine/clock.ts";
import { Engine } from "../../engine/engine.ts";
import type { TaskObserver } from "../../engine/task-observer.ts";
import { type RunningHttp, startHttp } from "../../http/server.ts";
import { type RunningServer, startServer } from "../../rpc/server.ts";
import { sameSpec } from "../../rpc/wire/same-spec.ts";
import { LmdbStore } from "../../store/lmdb/lmdb-store.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import type { Store } from "../../store/port.ts";
import { parseListen, parseOrigins } from "../config/listen.ts";
import type { Config } from "../config/schema.ts";
import type { NodeLog } from "./log.ts";
import { storageFigures } from "./storage-figures.ts";

/** What a node needs of its process. */
export interface NodeParts {
  readonly config: Config;
  readonly version: string;
  readonly logger: Logger;
  readonly log: NodeLog;
  /** For traces. Default none. */
  readonly observer?: TaskObserver | undefined;
  /** Storage failed: end the process. */
  onStoreFailure(error: Error): void;
  /** An operator asked for a drain by RPC: do what SIGTERM does. */
  onDrainRequest(): void;
}

/** A node that serves. */
export interface RunningNode {
  readonly port: number;
  /** Undefined when HTTP is off. */
  readonly httpPort: number | undefined;
  /** Drains and closes. Call once. */
  stop(): Promise<void>;
}

/** After the drain, streams that still write get this long before they are cut. */
const SOCKET_GRACE_MS = 1000;

/** Starts a node. Rejects with the error of the part that could not start; nothing is left open then. */
export async function startNode(parts: NodeParts): Promise<RunningNode> {
  const { config } = parts;
  const engine = new Engine({
    store: openStore(parts),
    clock: systemClock,
    random: Math.random,
    version: parts.version,
    settings: config,
    log: parts.log,
    sameSpec,
    observer: parts.observer,
    onFailure: parts.onStoreFailure,
  });
  await engine.start();

  try {
    const { server, http } = await startServers(parts, engine);
    return {
      port: server.port,
      httpPort: http?.port,
      stop: async () => {
        await Promise.all([engine.drain(), server.drain(config.drainMs + SOCKET_GRACE_MS)]);
        await server.close();
        await http?.close();
        await engine[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

async function startServers(parts: NodeParts, engine: Engine): Promise<{ server: RunningServer; http?: RunningHttp }> {
  const { config, logger } = parts;
  const services = { distributor: engine, limits: config, logger, drain: parts.onDrainRequest };
  const server = await startServer({ ...services, host: config.host, port: config.port });
  const address = parseListen(config.httpListen);
  if (address === undefined) return { server };
  try {
    const http = await startHttp({
      ...services,
      ...address,
      logger,
      version: parts.version,
      allowedOrigins: parseOrigins(config.httpAllowedOrigins) ?? [],
      storage: () => storageFigures(config),
    });
    return { server, http };
  } catch (error) {
    await server.close();
    if (!(error instanceof Error)) throw error;
    throw new Error(`${error.message}. This is about HTTP: set httpListen, or switch it off`, { cause: error.cause });
  }
}

function openStore(parts: NodeParts): Store {
  switch (parts.config.store) {
    case "memory":
      return new MemoryStore();
    case "lmdb":
      return new LmdbStore({ directory: parts.config.dataDir, onFailure: parts.onStoreFailure });
  }
}
