/**
 * What clients saw and what was done to them: the history that a fault test records and the checker judges.
 *
 * Times are wall-clock milliseconds of one machine. Events of one process are in order; events of several are not, so the
 * checker relies on times only where it says so.
 */

/** How an attempt ended in the history of a task: what the node has charged. */
export interface Charge {
  readonly number: number;
  readonly analyzer: string;
  readonly code: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** A task as a client found it at the end of its life, or at the end of the run. */
export interface Finding {
  readonly task: string;
  readonly state: string;
  readonly attempts: number;
  readonly analyzer: string;
  /** From the output, which the crew makes of its lease; 0 when there is none. */
  readonly lease: number;
  readonly endMs: number;
  readonly charges: readonly Charge[];
  /** Of the payload; undefined where it was not part of the answer. */
  readonly crc: number | undefined;
}

/** What can be done to a process. Those in `CHARGING` may cost the analyzer its leases. */
export type FaultKind =
  | "node killed"
  | "node paused"
  | "node restarted"
  | "analyzer killed"
  | "analyzer paused"
  | "line cut"
  | "line swallows"
  | "disk"
  | "weight set"
  | "queue paused";

/** Faults after which attempts of the target may be charged as ANALYZER_LOST. */
export const CHARGING: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "analyzer killed",
  "analyzer paused",
  "line cut",
  "line swallows",
]);

/** One event. */
export type HistoryEvent =
  /** An emitter is about to submit a task. */
  | {
      readonly kind: "asked";
      readonly atMs: number;
      readonly task: string;
      readonly crc: number;
      readonly maxAttempts: number;
      readonly timeoutMs: number;
    }
  /** The submit was answered: OK, or with the code of an error. */
  | { readonly kind: "answered"; readonly atMs: number; readonly task: string; readonly code: string }
  /** A delivery reached an analyzer. */
  | {
      readonly kind: "delivered";
      readonly atMs: number;
      readonly task: string;
      readonly lease: number;
      readonly attempt: number;
      readonly analyzer: string;
      readonly crc: number;
    }
  /** An analyzer wrote a result, or handed a lease back. */
  | {
      readonly kind: "sent";
      readonly atMs: number;
      readonly lease: number;
      readonly analyzer: string;
      readonly outcome: "success" | "failure" | "release";
    }
  /** The node told what became of it. */
  | {
      readonly kind: "receipt";
      readonly atMs: number;
      readonly lease: number;
      readonly analyzer: string;
      readonly verdict: "accepted" | "stale";
    }
  /** The node told, in a welcome, what became of a lease that an analyzer still held. */
  | {
      readonly kind: "held";
      readonly atMs: number;
      readonly lease: number;
      readonly analyzer: string;
      readonly state: "ADOPTED" | "RECORDED" | "LOST";
    }
  /** A client saw how a task ended. */
  | { readonly kind: "ended"; readonly atMs: number; readonly finding: Finding }
  /** The node denied that it has a task. */
  | { readonly kind: "missing"; readonly atMs: number; readonly task: string }
  /** The test did something to a process. `target`: the analyzer, or empty for the node. */
  | {
      readonly kind: "fault";
      readonly atMs: number;
      readonly fault: FaultKind;
      readonly target: string;
      /** When it was over; undefined for what happens at once. */
      readonly untilMs: number | undefined;
    };
