/**
 * A real engine on the memory store with a virtual clock.
 */
import { Engine } from "../../src/engine/engine.ts";
import type { EngineParts } from "../../src/engine/node-state.ts";
import { DEFAULT_ENGINE_SETTINGS, type EngineSettings } from "../../src/engine/settings.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/port.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a test may choose. */
export interface EngineInput {
  readonly store?: Store;
  readonly clock?: VirtualClock;
  readonly settings?: Partial<EngineSettings>;
  readonly random?: () => number;
  /** Whether two specs that differ say the same; never, if it is not given. */
  readonly sameSpec?: (a: Uint8Array, b: Uint8Array) => boolean;
}

/** An engine under test. */
export interface TestEngine {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly store: Store;
  /** Names of the events it has logged. */
  readonly events: string[];
  readonly failures: Error[];
}

/** What an engine is made of, with records of what it reports. */
export function makeParts(input: EngineInput = {}) {
  const clock = input.clock ?? new VirtualClock();
  const store = input.store ?? new MemoryStore();
  const events: string[] = [];
  const failures: Error[] = [];
  const parts: EngineParts = {
    store,
    clock,
    random: input.random ?? (() => 0.5),
    settings: { ...DEFAULT_ENGINE_SETTINGS, ...input.settings },
    version: "test",
    log: (_level, event) => events.push(event),
    sameSpec: input.sameSpec ?? (() => false),
    onFailure: (error) => failures.push(error),
  };
  return { parts, clock, store, events, failures };
}

/** Makes and starts an engine. */
export async function startEngine(input: EngineInput = {}): Promise<TestEngine> {
  const { parts, clock, store, events, failures } = makeParts(input);
  const engine = new Engine(parts);
  await engine.start();
  await clock.settle();
  return { engine, clock, store, events, failures };
}
