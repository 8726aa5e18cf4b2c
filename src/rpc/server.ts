/**
 * The gRPC server of a node: services, health, reflection, sockets, and the order in which they stop.
 *
 * Invariants:
 *  G1  Health says NOT_SERVING from the first moment of a drain to the end.
 *  G2  While analyzers finish, everything else is still answered, so that a drain can be watched.
 *  G3  After `drain` or `close` no socket, stream or timer is left.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { AdminService, DistributorService, TaskService } from "@sluice/client/contract";
import { HealthImplementation, type ServingStatus } from "grpc-health-check";
import { v7 as newId } from "uuid";
import type { Distributor } from "../engine/api.ts";
import { type Address, Connections, within } from "./connections.ts";
import { CALL_GRACE_MS, checkLimits, KEEPALIVE_TIME_MS, KEEPALIVE_TIMEOUT_MS, type RpcLimits } from "./limits.ts";
import { addService } from "./method.ts";
import { addReflection } from "./reflection.ts";
import { adminMethods } from "./services/admin-service.ts";
import { distributorMethods } from "./services/distributor-service.ts";
import { OpenStreams } from "./services/open-streams.ts";
import { taskMethods } from "./services/task-service.ts";
import type { RpcLogger } from "./status.ts";

/** What a server is made of. */
export interface ServerOptions extends Address {
  readonly distributor: Distributor;
  readonly limits: RpcLimits;
  readonly logger: RpcLogger;
  /** Called when an operator asks for a drain by RPC: do what SIGTERM does. */
  drain(): void;
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /**
   * Says NOT_SERVING, waits up to `graceMs` for Work streams to end (the engine's drain asks them to), then ends all other
   * calls and closes. Idempotent.
   */
  drain(graceMs: number): Promise<void>;
  /** Closes without waiting for analyzers. Idempotent. */
  close(): Promise<void>;
}

const SERVICES = [DistributorService, TaskService, AdminService] as const;

/** Starts a server. Rejects with what to do when the address cannot be used or the limits contradict each other. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { limits, logger } = options;
  checkLimits(limits);
  const server = new Server({
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its records leak (grpc-node#1941), and its figures are in ours.
    "grpc.enable_channelz": 0,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new Connections(injector, limits.maxConnections, logger);
  const work = new OpenStreams();
  const answers = new OpenStreams();
  addServices(server, options, connections, { work, answers });
  const health = addHealth(server);
  addReflection(server, SERVICES);
  const port = await connections.listen(options);

  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    work.stopAll();
    answers.stopAll();
    await connections.close(CALL_GRACE_MS);
    server.forceShutdown();
  };
  const drain = async (graceMs: number): Promise<void> => {
    setHealth(health, "NOT_SERVING");
    await within(graceMs, work.whenNone());
    closing ??= stop();
    await closing;
  };
  return { port, drain, close: () => drain(0), [Symbol.asyncDispose]: () => drain(0) };
}

function addServices(
  server: Server,
  { distributor, limits, logger, drain }: ServerOptions,
  connections: Connections,
  { work, answers }: { readonly work: OpenStreams; readonly answers: OpenStreams },
): void {
  const distributorParts = {
    distributor,
    logger,
    streams: work,
    maxOutputBytes: limits.maxPayloadBytes,
    cut: (peer: string) => connections.cut(peer),
    taskContext: () => ({ nowMs: Date.now(), newId, maxPayloadBytes: limits.maxPayloadBytes }),
  };
  addService(server, DistributorService, distributorMethods(distributorParts));
  addService(server, TaskService, taskMethods({ distributor, logger, streams: answers }));
  addService(server, AdminService, adminMethods({ distributor, logger, streams: answers, drain }));
}

function addHealth(server: Server): HealthImplementation {
  const health = new HealthImplementation();
  setHealth(health, "SERVING");
  health.addToServer(server);
  return health;
}

/** Sets the health of the whole server, whose name is empty, and of each service. */
function setHealth(health: HealthImplementation, status: ServingStatus): void {
  for (const name of ["", ...SERVICES.map((service) => service.typeName)]) health.setStatus(name, status);
}
