/**
 * A real engine on the memory store with a virtual clock.
 */
import { Engine } from "../../src/engine/engine.ts";
import type { EngineLog } from "../../src/engine/log.ts";
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

/** Makes and starts an engine. */
export async function startEngine(input: EngineInput = {}): Promise<TestEngine> {
  const clock = input.clock ?? new VirtualClock();
  const store = input.store ?? new MemoryStore();
  const events: string[] = [];
  const failures: Error[] = [];
  const log: EngineLog = (_level, event) => events.push(event);
  const engine = new Engine({
    store,
    clock,
    random: input.random ?? (() => 0.5),
    settings: { ...DEFAULT_ENGINE_SETTINGS, ...input.settings },
    version: "test",
    log,
    sameSpec: () => false,
    onFailure: (error) => failures.push(error),
  });
  await engine.start();
  await clock.settle();
  return { engine, clock, store, events, failures };
}
