/**
 * What a program submits.
 */
import type { Payload } from "../payload.ts";

/** How failed attempts are repeated: exponential backoff with full jitter, by the node. */
export interface RetryInput {
  /** Attempts in all, the first one included: 1 to 100. Default 3. */
  readonly maxAttempts?: number | undefined;
  /** Upper bound of the wait after the first failed attempt: at most a day. Default 1000. */
  readonly initialBackoffMs?: number | undefined;
  /** Growth of that bound with each further failed attempt: 1 to 100. Default 2. */
  readonly backoffFactor?: number | undefined;
  /** The bound grows no further than this: at most a day. Default 60000. */
  readonly maxBackoffMs?: number | undefined;
}

/** A task to submit. Everything is optional; a value out of its range is refused with INVALID_ARGUMENT. */
export interface TaskInput {
  /** Name of the queue, created on first use: 1 to 128 of A-Z a-z 0-9 . _ : / -. Default "default". */
  readonly queue?: string | undefined;
  /** What kind of work it is; chooses the handler in an analyzer. At most 128 bytes. Default empty. */
  readonly type?: string | undefined;
  /** The work itself: bytes as they are, a string as text, anything else as JSON. At most 1 MiB by the node's default. */
  readonly payload?: Payload | undefined;
  /** MIME type of the payload: at most 128 bytes. Default: what follows from the payload. */
  readonly contentType?: string | undefined;
  /** UUID in lower case, to make a submit repeatable beyond this process. Default: a new UUIDv7. */
  readonly id?: string | undefined;
  /** Labels for filters and handlers: at most 64, keys at most 128 bytes, values at most 4096. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** The higher number first, strictly within the queue: 0 to 9. Default 4. */
  readonly priority?: number | undefined;
  /** Not before this time, by the node's clock. Not together with `delayMs`. */
  readonly notBefore?: Date | undefined;
  /** Not before this many milliseconds after the node accepts it: at most 49 days. */
  readonly delayMs?: number | undefined;
  /** Longest run of one attempt; then it fails as TIMEOUT. Default 0: no limit. */
  readonly timeoutMs?: number | undefined;
  readonly retry?: RetryInput | undefined;
  /** Tenant, customer or source: keys share dispatch in proportion to their weights. At most 128 bytes. */
  readonly fairnessKey?: string | undefined;
  /** Weight of the fairness key for this task: 0.001 to 1000000. Default 1. */
  readonly fairnessWeight?: number | undefined;
}
