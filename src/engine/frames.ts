/**
 * What travels on a session, as the engine sees it: frames decoded and validated by an adapter, frames to be encoded by
 * it. docs/protocol.md is the specification.
 */
import type { SluiceError } from "../core/errors.ts";
import type { TaskError, TaskResult } from "../core/task.ts";
import type { HeldClaim } from "../store/port.ts";

/** Opens a session. */
export interface Hello {
  readonly analyzerId: string;
  /** At least one, each queue once; weights greater than 0. */
  readonly subscriptions: readonly { readonly queue: string; readonly weight: number }[];
  readonly weight: number;
  /** 0 = the default for the weight. */
  readonly maxInFlight: number;
  readonly held: readonly HeldClaim[];
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An analyzer's answer for one lease. */
export type LeaseResult =
  | { readonly lease: number; readonly kind: "success"; readonly result: TaskResult }
  | { readonly lease: number; readonly kind: "failure"; readonly error: TaskError; readonly nonRetryable: boolean };

/** What a handler reports of a running task. */
export interface ProgressReport {
  readonly lease: number;
  /** 0 to 100. */
  readonly percent: number;
  readonly note: string;
}

/** A frame from an analyzer, applied in the order of the fields. */
export interface AnalyzerFrame {
  readonly hello?: Hello;
  readonly results: readonly LeaseResult[];
  /** Leases handed back unstarted. */
  readonly releases: readonly number[];
  /** Permission for this many more deliveries. */
  readonly credit: number;
  readonly progress: readonly ProgressReport[];
}

/** A task on its way to an analyzer. */
export interface Delivery {
  readonly lease: number;
  /** From 1. */
  readonly attempt: number;
  /** The encoded `sluice.v1.TaskSpec`. */
  readonly spec: Uint8Array;
}

/** Answers a hello. */
export interface Welcome {
  readonly sessionId: string;
  readonly epoch: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly maxInFlight: number;
  readonly held: readonly { readonly lease: number; readonly state: "ADOPTED" | "RECORDED" | "LOST" }[];
}

/** A frame to an analyzer. What is unset or empty is not sent. */
export interface NodeFrame {
  readonly welcome?: Welcome;
  readonly deliveries: readonly Delivery[];
  /** Leases whose result or release took effect, durably. */
  readonly accepted: readonly number[];
  /** Leases that had ended before. */
  readonly stale: readonly number[];
  readonly cancels: readonly { readonly lease: number; readonly reason: "CANCELLED" | "TIMEOUT" }[];
  /** An operator has set the weight. */
  readonly change?: { readonly weight: number; readonly maxInFlight: number };
  readonly drain?: { readonly reason: "NODE_STOPPING" | "OPERATOR"; readonly deadlineMs: number };
}

/** The stream of one session, as an adapter offers it to the engine. */
export interface SessionPort {
  /** Network address of the other side, for operators. */
  readonly peer: string;
  /** Sends a frame. False: the socket takes no more for now; the adapter calls `Session.writable` when it does again. */
  send(frame: NodeFrame): boolean;
  /** Ends the stream: with a status for an error, else normally. The adapter drops what it still receives. */
  end(error?: SluiceError): void;
}

/** One session, as the engine offers it to an adapter. None of these throws. */
export interface Session {
  /** A frame arrived. */
  receive(frame: AnalyzerFrame): void;
  /** The socket takes bytes again. */
  writable(): void;
  /** The analyzer ended its side in good order: it wants nothing more. What it still holds is released. */
  finished(): void;
  /** The stream broke. Leases are kept for the resume grace. */
  broken(): void;
}
