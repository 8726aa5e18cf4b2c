/**
 * One submitted task on its way to a node, and whom to tell what becomes of it.
 */
import type { SubmitError } from "../errors.ts";
import type { TraceStep } from "../tracing.ts";
import { framedBytes } from "../wire/batch.ts";

/** Told what becomes of a task. */
export interface SubmitSink {
  /** A task that was outside is inside now. */
  admitted(): void;
  /** The node has it, durably. `duplicate`: it had it before. */
  accepted(task: BufferedTask, duplicate: boolean): void;
  /** The node refused it, or retries were given up. */
  refused(task: BufferedTask, error: SubmitError): void;
}

/** One task on its way. */
export class BufferedTask {
  readonly id: string;
  readonly encoded: Uint8Array;
  readonly sink: SubmitSink;
  /** Where it comes in the sink's own order. */
  readonly index: number;
  /** Ends with the answer. Undefined: it is not traced. */
  readonly trace: TraceStep | undefined;
  /** Bytes that it takes in a batch. */
  readonly bytes: number;
  /** When it came in or was first refused, on the emitter's clock; retries are given up relative to this. */
  sinceMs = 0;
  /** How often the node refused this very task for lack of room. */
  refusals = 0;
  /** Place in the order of submission; set by the buffer. */
  sequence = 0;
  state: "outside" | "waiting" | "sent" | "settled" = "outside";
  previous: BufferedTask | undefined;
  next: BufferedTask | undefined;

  constructor(id: string, encoded: Uint8Array, sink: SubmitSink, index: number, trace?: TraceStep) {
    this.id = id;
    this.encoded = encoded;
    this.sink = sink;
    this.index = index;
    this.trace = trace;
    this.bytes = framedBytes(encoded.length);
  }
}
