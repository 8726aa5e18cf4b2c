/**
 * The newest progress report of each running lease that was not sent yet. Pure bookkeeping.
 */
import { create } from "@bufbuild/protobuf";
import { type Progress, ProgressSchema } from "../contract.ts";
import { cut } from "../wire/cut.ts";

/** Reports in one heartbeat: the contract's limit. */
const MAX_REPORTS = 10_000;
const MAX_NOTE_BYTES = 256;
const MAX_PERCENT = 100;

/** See the top of the file. */
export class ProgressLog {
  readonly #reports = new Map<bigint, Progress>();

  get isEmpty(): boolean {
    return this.#reports.size === 0;
  }

  /** Keeps a report; the one it replaces is forgotten. */
  report(lease: bigint, percent: number, note: string): void {
    const whole = Number.isNaN(percent) ? 0 : Math.round(Math.min(MAX_PERCENT, Math.max(0, percent)));
    this.#reports.set(lease, create(ProgressSchema, { lease, percent: whole, note: cut(note, MAX_NOTE_BYTES) }));
  }

  /** The lease is over. */
  forget(lease: bigint): void {
    this.#reports.delete(lease);
  }

  /** The reports for one heartbeat, which are forgotten. */
  take(): Progress[] {
    const taken = [...this.#reports.values()].slice(0, MAX_REPORTS);
    for (const { lease } of taken) this.#reports.delete(lease);
    return taken;
  }
}
