/**
 * What an analyzer tells its program about: for logs, metrics and tests.
 */
import type { AbortCause, SluiceClientError } from "../errors.ts";

/** Why a lease was lost: one of the reasons of a handler's signal, or its result came too late. */
export type LeaseLoss = AbortCause | "STALE";

/** One event. */
export type AnalyzerEvent =
  /** A session began. `held`: leases taken over from the one before. */
  | {
      readonly kind: "attached";
      readonly address: string;
      readonly sessionId: string;
      readonly maxInFlight: number;
      readonly held: number;
    }
  /** A session ended, or could not begin; the analyzer connects again. No error: it was ended in good order. */
  | {
      readonly kind: "detached";
      readonly address: string;
      readonly error: SluiceClientError | undefined;
      readonly retryInMs: number;
    }
  /** An operator set the weight. `concurrency`: most handlers at a time from now on; an explicit one stays as it is. */
  | { readonly kind: "weightChanged"; readonly weight: number; readonly concurrency: number }
  /** No new work is taken: the node stops (the analyzer connects again), an operator asked for it, or `close` did. */
  | { readonly kind: "draining"; readonly reason: "NODE_STOPPING" | "OPERATOR" | "CLOSE" }
  /** All work is finished and confirmed, or the drain timeout was over with `abandoned` handlers at work. */
  | { readonly kind: "drained"; readonly abandoned: number }
  /** The work on a task will not count here. */
  | {
      readonly kind: "leaseLost";
      readonly taskId: string;
      /** The trace that the task belongs to, if any. */
      readonly traceId: string | undefined;
      readonly lease: bigint;
      readonly reason: LeaseLoss;
    }
  /** A handler failed; the node decides whether the task is tried again. */
  | {
      readonly kind: "taskFailed";
      readonly taskId: string;
      /** The trace that the task belongs to, if any. */
      readonly traceId: string | undefined;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    };

/** Counts since the start of the analyzer, and what holds now. */
export interface AnalyzerStats {
  /** It has a session. */
  readonly attached: boolean;
  /** Its present weight: an operator may have changed it. */
  readonly weight: number;
  /** Most handlers at a time, as the last session had it. */
  readonly concurrency: number;
  /** Handlers at work. */
  readonly running: number;
  /** Deliveries that the node may still make. */
  readonly credit: number;
  /** Sessions begun. */
  readonly sessions: number;
  /** Tasks given to handlers. */
  readonly delivered: number;
  /** Handlers that succeeded. */
  readonly succeeded: number;
  /** Handlers that failed. */
  readonly failed: number;
  /** Deliveries handed back unstarted. */
  readonly released: number;
  /** Leases lost, and results that came too late. */
  readonly lost: number;
}
