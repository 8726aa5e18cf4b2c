/**
 * The gRPC server of a node: services, health, reflection, sockets, and the order in which they stop.
 *
 * Invariants:
 *  G1  Health says NOT_SERVING from the first moment of a drain to the end.
 *  G2  While analyzers finish, everything else is still answered, so that a drain can be watched.
 *  G3  After `drain` or `close` no socket, stream or timer is left.
 */
import type { DescService } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { DistributorService } from "@sluice/client/contract";
import { HealthImplementation, type ServingStatus } from "grpc-health-check";
import { type Address, Connections, within } from "./connections.ts";
import { ExternalScaler } from "./gen/externalscaler/externalscaler_pb.ts";
import { addService, pathOf } from "./grpc-methods.ts";
import { Guard, type GuardParts } from "./guard/guard.ts";
import { http2ServerOf } from "./guard/http2-server.ts";
import {
  CALL_GRACE_MS,
  checkLimits,
  HANDSHAKE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  KEEPALIVE_TIME_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_HEADER_BYTES,
} from "./limits.ts";
import { addReflection } from "./reflection.ts";
import { kedaMethods } from "./services/keda-service.ts";
import { OpenStreams } from "./services/open-streams.ts";
import { UnsentBytes } from "./services/sender.ts";
import { nodeServices, type ServedService, type ServiceParts } from "./services/services.ts";
import { WorkStream } from "./services/work-stream.ts";

/** What a server is made of. */
export interface ServerOptions extends Address, ServiceParts {}

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

/** Starts a server. Rejects with what to do when the address cannot be used or the limits contradict each other. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { distributor, limits, logger } = options;
  checkLimits(limits);
  const server = new Server({
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_connection_idle_ms": IDLE_TIMEOUT_MS,
    // Its records leak (grpc-node#1941), and its figures are in ours.
    "grpc.enable_channelz": 0,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const guard = startGuard(server, {
    limits,
    logger,
    greeted: (peer) => connections.greeted(peer),
    bytesRead: (peer) => connections.bytesRead(peer),
  });
  const connections = new Connections(injector, limits.maxConnections, logger, {
    makeRoom: () => guard.closeIdle(),
    handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  });
  const work = new OpenStreams();
  const answers = new OpenStreams();
  const services: readonly ServedService[] = [
    ...nodeServices(options),
    { desc: ExternalScaler, methods: kedaMethods(options) },
  ];
  const unsent = new UnsentBytes();
  const workParts = {
    distributor,
    logger,
    streams: work,
    unsent,
    maxOutputBytes: limits.maxPayloadBytes,
    cut: (peer: string) => connections.cut(peer),
  };
  for (const { desc, methods } of services) {
    addService(server, desc, methods, {
      logger,
      streams: answers,
      unsent,
      openSession: (call) => new WorkStream(call, workParts).start(),
    });
  }
  const served = services.map(({ desc }) => desc);
  const setHealth = addHealth(server, served);
  addReflection(server, served);
  const port = await connections.listen(options);

  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    work.stopAll();
    answers.stopAll();
    await connections.close(CALL_GRACE_MS);
    server.forceShutdown();
    guard[Symbol.dispose]();
  };
  const drain = async (graceMs: number): Promise<void> => {
    setHealth("NOT_SERVING");
    await within(graceMs, work.whenNone());
    closing ??= stop();
    await closing;
  };
  return { port, drain, close: () => drain(0), [Symbol.asyncDispose]: () => drain(0) };
}

function startGuard(server: Server, parts: Omit<GuardParts, "silentPaths">): Guard {
  const http2Server = http2ServerOf(server);
  http2Server.updateSettings({
    maxConcurrentStreams: parts.limits.maxStreamsPerConnection,
    maxHeaderListSize: MAX_HEADER_BYTES,
  });
  // The engine asks for a hello in its own time.
  const guard = new Guard({ ...parts, silentPaths: new Set([pathOf(DistributorService.method.work)]) });
  guard.watch(http2Server);
  return guard;
}

/** Serves the health of the whole server, whose name is empty, and of each service. Returns what sets it. */
function addHealth(server: Server, services: readonly DescService[]): (status: ServingStatus) => void {
  const health = new HealthImplementation();
  const set = (status: ServingStatus): void => {
    for (const name of ["", ...services.map((service) => service.typeName)]) health.setStatus(name, status);
  };
  set("SERVING");
  health.addToServer(server);
  return set;
}
