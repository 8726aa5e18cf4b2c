/**
 * The real gRPC server on a fake distributor, with a client: new ones for each test.
 */
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { DistributorService, WorkRequestSchema } from "@sluice/client/contract";
import { afterEach, beforeEach } from "vitest";
import { DEFAULT_RPC_LIMITS } from "../../src/rpc/limits.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../src/rpc/server.ts";
import type { RpcFields, RpcLogger } from "../../src/rpc/status.ts";
import { FakeDistributor, type FakeSession } from "./fake-distributor.ts";
import { encode, endOf, RawClient } from "./raw-client.ts";

/** A hello that is in order. */
export const HELLO = { analyzerId: "a1", queues: [{ queue: "default" }], weight: 0.4 };

/** A stream of the client with its session in the fake. */
export interface OpenWork {
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  readonly session: FakeSession;
  /** What the analyzer has received. */
  readonly frames: Buffer[];
  readonly ended: Promise<StatusObject>;
}

/** What a test works with. */
export class RpcRig {
  readonly distributor = new FakeDistributor();
  readonly logged: { readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[] = [];
  /** The audit log. */
  readonly actions: Readonly<Record<string, unknown>>[] = [];
  drains = 0;

  /** Takes what a server says. */
  get logger(): RpcLogger {
    const log = (fields: RpcFields, message: string) => {
      if (fields.event === "operator.action") this.actions.push(fields);
      else this.logged.push({ fields, message });
    };
    return { info: log, warn: log, error: log };
  }

  /** Starts a server on the fake. */
  start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
    return startServer({
      distributor: this.distributor,
      host: "127.0.0.1",
      port: 0,
      limits: DEFAULT_RPC_LIMITS,
      logger: this.logger,
      drain: () => {
        this.drains += 1;
      },
      ...options,
    });
  }

  /** Opens a session: the fake has had its hello. */
  async openWork(client: RawClient): Promise<OpenWork> {
    const attached = this.distributor.nextSession();
    const stream = client.duplex(DistributorService.method.work);
    const frames: Buffer[] = [];
    stream.on("data", (frame: Buffer) => frames.push(frame));
    const ended = endOf(stream);
    stream.write(encode(WorkRequestSchema, { hello: HELLO, credit: 1 }));
    const session = await attached;
    await session.until("frame");
    return { stream, session, frames, ended };
  }
}

/** Sets up a server and a client for each test. Read the fields inside of tests only. */
export function useRig(): { rig: RpcRig; server: RunningServer; client: RawClient } {
  const parts: Partial<{ rig: RpcRig; server: RunningServer; client: RawClient }> = {};
  beforeEach(async () => {
    parts.rig = new RpcRig();
    parts.server = await parts.rig.start();
    parts.client = new RawClient(parts.server.port);
  });
  afterEach(async () => {
    parts.client?.[Symbol.dispose]();
    await parts.server?.close();
  });
  return {
    get rig() {
      return present(parts.rig);
    },
    get server() {
      return present(parts.server);
    },
    get client() {
      return present(parts.client);
    },
  };
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the rig is there only while a test runs");
  return part;
}

/** Resolves once something is so. The test's own timeout is the deadline. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
