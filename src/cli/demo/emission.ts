/** The demo's emitters: services that write log messages, each with a connection of its own. */
import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { Emitter } from "@sluice/client";
import { DEMO_QUEUE } from "./cluster.ts";
import { makeLogMessage } from "./log-message.ts";

/** What to emit. */
export interface EmissionSettings {
  readonly address: string;
  readonly emitters: number;
  /** Messages of all emitters together. */
  readonly tasks: number;
  /** The messages are spread over this time. */
  readonly durationMs: number;
  readonly signal: AbortSignal;
}

/** Counts of an emission that goes on. */
export interface EmissionCounts {
  /** Messages given to the emitters. */
  emitted: number;
  /** Messages that the node has durably. */
  accepted: number;
}

/** Waits shorter than this are left out: timers cannot keep them, and messages that are due go together. */
const SHORTEST_WAIT_MS = 2;

/** Emits everything; resolves when the node has accepted it all. Keeps `counts` up to date meanwhile. */
export async function emitMessages(settings: EmissionSettings, counts: EmissionCounts): Promise<void> {
  const { emitters, tasks, signal } = settings;
  // Each emitter listens while it waits: not a leak.
  setMaxListeners(emitters + 1, signal);
  const portions = Array.from({ length: emitters }, (_, index) => Math.floor((tasks + index) / emitters));
  await Promise.all(portions.map((portion) => emitPortion(portion, settings, counts)));
}

async function emitPortion(portion: number, settings: EmissionSettings, counts: EmissionCounts): Promise<void> {
  const { address, durationMs, signal } = settings;
  const emitter = new Emitter({ address });
  const startMs = performance.now();
  const slotMs = durationMs / portion;
  const answers: Promise<void>[] = [];
  const failures: unknown[] = [];
  for (let index = 0; index < portion; index++) {
    // Somewhere in its slot: services do not write in step.
    const waitMs = startMs + (index + Math.random()) * slotMs - performance.now();
    if (waitMs > SHORTEST_WAIT_MS) await wait(waitMs, undefined, { signal });
    counts.emitted += 1;
    const payload = makeLogMessage(Math.random, new Date());
    const submitted = emitter.submit({ queue: DEMO_QUEUE, type: "log", payload });
    const accepted = (): void => {
      counts.accepted += 1;
    };
    answers.push(submitted.then(accepted, (error: unknown) => void failures.push(error)));
  }
  await Promise.all(answers);
  if (failures.length > 0) throw failures[0];
  await emitter.close();
}
