/**
 * The options of an analyzer, checked and with their defaults filled in.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import type { ConnectionOptions } from "../connection.ts";
import { type HeldLease, type Hello, HelloSchema } from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import type { Tracing } from "../tracing.ts";
import type { AnalyzerEvent } from "./analyzer-event.ts";
import { type HandlerLookup, type Handlers, handlerLookup } from "./handler.ts";

/** A queue to serve. */
export interface QueueInput {
  readonly queue: string;
  /** Its part of this analyzer's credit while several of its queues have work. Default 1. */
  readonly weight?: number | undefined;
}

/** Options of an analyzer. */
export interface AnalyzerOptions extends ConnectionOptions {
  /** Who it is, stable over reconnects and unique: 1 to 128 of A-Z a-z 0-9 . _ : / -. Default host, process id, random. */
  readonly id?: string | undefined;
  /** Queues it serves: 1 to 64. */
  readonly queues: string | readonly (string | QueueInput)[];
  /**
   * Its share of each queue is this over the sum of all weights: 0.001 to 1000000. Default 1. An operator can change it
   * while the analyzer runs, and what the operator set holds until this object is closed.
   */
  readonly weight?: number | undefined;
  /** Most handlers at a time. Default max(1, round(10 * weight)), and then it follows when an operator sets the weight. */
  readonly concurrency?: number | undefined;
  /** One for all tasks, or one per task type with "*" for all others. */
  readonly handlers: Handlers;
  /** Version of the program, for operators: at most 64 bytes. */
  readonly version?: string | undefined;
  /** For operators: at most 16. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** How long `close`, or an operator's drain, waits for running handlers. Default 30000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Largest output of a handler; a larger one is a non-retryable failure. Default 1048576, the node's default limit. */
  readonly maxOutputBytes?: number | undefined;
  /** Traces each attempt, as part of the trace that its task brings along. Default none. */
  readonly tracing?: Tracing | undefined;
  /** Told of attaching, losing leases, failures and so on. Must not throw. */
  readonly onEvent?: ((event: AnalyzerEvent) => void) | undefined;
}

/** Options with everything set. */
export interface AnalyzerSettings {
  readonly id: string;
  readonly queues: readonly { readonly queue: string; readonly weight: number }[];
  readonly weight: number;
  readonly concurrency: number;
  /** The concurrency is the node's choice; `concurrency` is what it is expected to be. */
  readonly followsNode: boolean;
  readonly handlers: HandlerLookup;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly drainTimeoutMs: number;
  readonly maxOutputBytes: number;
  readonly tracing: Tracing | undefined;
  readonly onEvent: (event: AnalyzerEvent) => void;
}

const CREDIT_PER_WEIGHT = 10;
const DRAIN_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_HOST_LENGTH = 64;

/** INVALID_ARGUMENT for what could never work; the node checks the rest when the analyzer says hello. */
export function analyzerSettings(options: AnalyzerOptions): AnalyzerSettings {
  const weight = options.weight ?? 1;
  if (!(weight > 0)) throw invalid(`weight is ${weight}: it must be greater than 0`);
  const concurrency = options.concurrency ?? Math.max(1, Math.round(CREDIT_PER_WEIGHT * weight));
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalid(`concurrency is ${concurrency}: it must be a whole number of at least 1`);
  }
  const queues = (typeof options.queues === "string" ? [options.queues] : options.queues).map(queueOf);
  if (queues.length === 0) throw invalid("no queue given: name at least one");
  return {
    id: options.id ?? newAnalyzerId(),
    queues,
    weight,
    concurrency,
    followsNode: options.concurrency === undefined,
    handlers: handlerLookup(options.handlers),
    version: options.version ?? "",
    labels: options.labels ?? {},
    drainTimeoutMs: options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS,
    maxOutputBytes: options.maxOutputBytes ?? MAX_OUTPUT_BYTES,
    tracing: options.tracing,
    onEvent: options.onEvent ?? (() => {}),
  };
}

/**
 * The first frame of a session.
 * @param weight - the present one
 */
export function helloOf(settings: AnalyzerSettings, weight: number, held: HeldLease[]): Hello {
  return create(HelloSchema, {
    analyzerId: settings.id,
    queues: settings.queues.map(({ queue, weight }) => ({ queue, weight })),
    weight,
    maxInFlight: settings.followsNode ? 0 : settings.concurrency,
    held,
    version: settings.version,
    labels: { ...settings.labels },
  });
}

function queueOf(input: string | QueueInput): { queue: string; weight: number } {
  return typeof input === "string" ? { queue: input, weight: 1 } : { queue: input.queue, weight: input.weight ?? 1 };
}

function newAnalyzerId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, MAX_HOST_LENGTH);
  return `${host}-${process.pid}-${randomBytes(4).toString("hex")}`;
}

function invalid(message: string): SluiceClientError {
  return new SluiceClientError("INVALID_ARGUMENT", message);
}
