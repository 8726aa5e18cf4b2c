/**
 * One lease in the hands of an analyzer, with the result that it will be answered with.
 */
import type { Result } from "../contract.ts";

/** How an attempt ended, ready for the wire. */
export type ResultOutcome = Exclude<Result["outcome"], { case: undefined }>;

/** A lease that is not ours any more although no result was confirmed, and why. */
export interface LostLease<Run> {
  readonly held: Held<Run>;
  readonly reason: "LEASE_LOST" | "CANCELLED";
}

/** One lease. `Run` is whatever runs its handler. */
export interface Held<Run> {
  readonly lease: bigint;
  readonly taskId: string;
  readonly attempt: number;
  readonly run: Run;
  phase: "running" | "finished" | "sent";
  result: Result | undefined;
  /** Rough size of the result. */
  bytes: number;
  /** When the result was last sent. */
  sentMs: number;
}

/** Bytes of a result besides output, message and details. */
const RESULT_OVERHEAD_BYTES = 64;

/** Rough bytes of a result in a frame. */
export function sizeOf(outcome: ResultOutcome): number {
  if (outcome.case === "success") return RESULT_OVERHEAD_BYTES + outcome.value.output.length;
  const error = outcome.value.error;
  return RESULT_OVERHEAD_BYTES + (error?.message.length ?? 0) + (error?.details.length ?? 0);
}
