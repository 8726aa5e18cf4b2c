/**
 * What handlers saw of one phase.
 *
 *  Y1  A task counts once, however often it is handled; more often is counted apart.
 *  Y2  Tasks of other phases count for nothing.
 */
import { quantile } from "../../history/statistics.ts";
import { readPayload } from "./payload.ts";

/** Latencies in milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts and times of one phase. */
export class Tally {
  readonly phase: number;
  readonly #keepsLatencies: boolean;
  readonly #latenciesMs: number[] = [];
  #seen = new Uint8Array(1 << 16);
  /** Distinct tasks. */
  handled = 0;
  /** Deliveries beyond the first of a task. */
  repeated = 0;
  firstMs = 0;
  lastMs = 0;

  constructor(phase: number, keepsLatencies: boolean) {
    this.phase = phase;
    this.#keepsLatencies = keepsLatencies;
  }

  /** A handler was given this. */
  record(payload: Uint8Array | string, nowMs: number): void {
    const { dueMs, phase, sequence } = readPayload(payload);
    if (phase !== this.phase) return;
    if (sequence >= this.#seen.length) this.#grow(sequence);
    if (this.#seen[sequence] === 1) {
      this.repeated += 1;
      return;
    }
    this.#seen[sequence] = 1;
    if (this.handled === 0) this.firstMs = nowMs;
    this.handled += 1;
    this.lastMs = nowMs;
    if (this.#keepsLatencies) this.#latenciesMs.push(nowMs - dueMs);
  }

  /** From the time a submit was due to the start of its handler. */
  latencies(): Latencies {
    const latencies = this.#latenciesMs;
    const at = (part: number): number => quantile(latencies, part);
    return { count: latencies.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  #grow(sequence: number): void {
    let length = this.#seen.length;
    while (length <= sequence) length *= 2;
    const larger = new Uint8Array(length);
    larger.set(this.#seen);
    this.#seen = larger;
  }
}
