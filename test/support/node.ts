/**
 * A whole node in this process: real engine and clock, memory store, real gRPC on a free port of the loopback.
 */
import { systemClock } from "../../src/engine/clock.ts";
import { Engine } from "../../src/engine/engine.ts";
import { DEFAULT_ENGINE_SETTINGS, type EngineSettings } from "../../src/engine/settings.ts";
import { DEFAULT_RPC_LIMITS, type RpcLimits } from "../../src/rpc/limits.ts";
import { startServer } from "../../src/rpc/server.ts";
import { sameSpec } from "../../src/rpc/wire/same-spec.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/port.ts";

/** What a test may choose. */
export interface NodeInput {
  readonly store?: Store;
  readonly settings?: Partial<EngineSettings>;
  readonly limits?: Partial<RpcLimits>;
}

/** A node under test. Disposing drains it. */
export interface TestNode extends AsyncDisposable {
  readonly engine: Engine;
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** What went wrong inside of the node. */
  readonly faults: unknown[];
}

/** Sessions of a test that forgets to end them hold its node up no longer than this. */
const DRAIN_MS = 1000;

/** Starts a node. */
export async function startNode({ store, settings, limits }: NodeInput = {}): Promise<TestNode> {
  const faults: unknown[] = [];
  const engine = new Engine({
    store: store ?? new MemoryStore(),
    clock: systemClock,
    random: Math.random,
    settings: { ...DEFAULT_ENGINE_SETTINGS, drainMs: DRAIN_MS, ...settings },
    version: "test",
    log: () => {},
    sameSpec,
    onFailure: (error) => faults.push(error),
  });
  await engine.start();
  const server = await startServer({
    distributor: engine,
    host: "127.0.0.1",
    port: 0,
    limits: { ...DEFAULT_RPC_LIMITS, ...limits },
    logger: { info: () => {}, warn: () => {}, error: (fields) => faults.push(fields) },
    drain: () => void engine.drain(),
  });
  return {
    engine,
    port: server.port,
    address: `127.0.0.1:${server.port}`,
    faults,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([engine.drain(), server.drain(DRAIN_MS)]);
      await engine[Symbol.asyncDispose]();
    },
  };
}
