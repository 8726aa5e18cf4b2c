/**
 * What an operator sets of the engine, and the engine's own fixed limits.
 */

import { MAX_QUEUES } from "../core/limits.ts";

/** Settings of one node. */
export interface EngineSettings {
  /** Without a frame for this long an analyzer is lost. Default 30000. */
  readonly leaseMs: number;
  /** How long the leases of a broken stream, or of a node that crashed, wait for their analyzer. Default 5000. */
  readonly resumeGraceMs: number;
  /** How long a drain waits for results. Default 10000. */
  readonly drainMs: number;
  /** Most live sessions; one more is RESOURCE_EXHAUSTED. Default 20000. */
  readonly maxSessions: number;
  /** Most leases and unused credit of one session; a hello that asks for more gets this. Default 10000. */
  readonly maxInFlight: number;
  /** With less space left for the store, submits are RESOURCE_EXHAUSTED; 0 = never. Default 256 MiB. */
  readonly minFreeBytes: number;
}

/** What holds unless the operator says otherwise. */
export const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  leaseMs: 30_000,
  resumeGraceMs: 5_000,
  drainMs: 10_000,
  maxSessions: 20_000,
  maxInFlight: 10_000,
  minFreeBytes: 256 * 1024 * 1024,
};

/** Queues that exist or are subscribed to; a hello that would add more is RESOURCE_EXHAUSTED. */
export const MAX_KNOWN_QUEUES = 2 * MAX_QUEUES;
/** Bytes of specs handed to the store and not yet committed; more are RESOURCE_EXHAUSTED. Bounds memory when the disk is slow. */
export const MAX_UNCOMMITTED_BYTES = 64 * 1024 * 1024;
/** Bytes of results of one session that are not committed yet; more end it with RESOURCE_EXHAUSTED, and it sends them again. */
export const MAX_SESSION_RESULT_BYTES = 64 * 1024 * 1024;
/** The same of all sessions. */
export const MAX_RESULT_BYTES = 256 * 1024 * 1024;
/** When to try again after MAX_UNCOMMITTED_BYTES, or with results: a few commits later. */
export const UNCOMMITTED_RETRY_MS = 100;
/** How often the space that is left is looked at. */
export const DISK_CHECK_MS = 1_000;
/** Submits are taken again when there is so many times minFreeBytes, so that they are not at every other look. */
export const DISK_RECOVERY_FACTOR = 1.25;
/** When to try again while there is too little space: somebody has to free some. */
export const DISK_LOW_RETRY_MS = 5_000;
/** When to try again after a queue's limit: a full queue drains slowly. */
export const QUEUE_FULL_RETRY_MS = 1_000;
/** Soft limit of a frame to an analyzer: a quarter of the 4 MiB that gRPC clients take by default. One task may exceed it. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** Bytes of specs that one turn takes from the store for delivery. Bounds memory when tasks are large. */
export const MAX_TURN_BYTES = 32 * 1024 * 1024;
/** An analyzer that does not read for this long gets no more of what waits for it: those tasks go to others. */
export const UNREAD_RETURN_MS = 1_000;
/** Receipts and cancels that wait for a slow reader; more end its session with RESOURCE_EXHAUSTED. */
export const MAX_OUTBOX_ITEMS = 50_000;
/** Frames that wait for the answer to their session's hello; more end it with RESOURCE_EXHAUSTED. */
export const MAX_OPENING_FRAMES = 100;
/** How long the figures of an analyzer that left are kept. */
export const GONE_RETENTION_MS = 600_000;
/** Most analyzers whose figures are kept after they left; the longest gone go first. */
export const MAX_GONE_ANALYZERS = 10_000;
/** How often heartbeats are checked. */
export const HEARTBEAT_CHECK_MS = 500;
/** A gap between two checks longer than this is the node's own pause: nobody's lease is charged for the rest of it. */
export const MAX_CLOCK_STEP_MS = 2_000;
/**
 * Of a short lease, a pause is charged at most this part, 1 / 3: with the heartbeat before the pause, which may be as old
 * as that, there is still a third left in which to read what has arrived meanwhile.
 */
export const CLOCK_STEPS_PER_LEASE = 3;
/** A grace that ends so much too late has been slept through by the node itself, and begins again. */
export const MAX_GRACE_DELAY_MS = 500;
/** Due times are looked at again at least this often, so that a jump of the wall clock is noticed. */
export const MAX_DUE_WAIT_MS = 1_000;
/** Tasks that one look at due times or retention moves; the rest follows at once in further turns. */
export const MAX_SWEEP_TASKS = 5_000;
/** How often retention is looked at when there is little to delete. */
export const RETENTION_CHECK_MS = 1_000;
/** Half-life of the counts behind observed shares. */
export const OBSERVED_HALF_LIFE_MS = 30_000;
/** Running tasks whose progress is shown per analyzer. */
export const MAX_SHOWN_PROGRESS = 100;
