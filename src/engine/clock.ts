/**
 * Time as the engine gets it: the one file of the engine that touches the clock and timers of the machine. The
 * simulation puts a virtual one in its place.
 */
import { performance } from "node:perf_hooks";

/** Source of time and turns. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for times that are stored or shown. May jump. */
  wallMs(): number;
  /** Milliseconds since some moment, never jumping: for leases and deadlines. */
  monotonicMs(): number;
  /** Runs once after the events that are already waiting, such as bytes on sockets: that is what fills batches. */
  defer(run: () => void): void;
  /** Runs once after a delay. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/** Longest delay that setTimeout takes; beyond it fires at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** The machine's clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  defer: (run) => {
    setImmediate(run);
  },
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(Math.max(0, Math.ceil(delayMs)), MAX_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};

/** A wall-clock time for people: ISO 8601, UTC. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
