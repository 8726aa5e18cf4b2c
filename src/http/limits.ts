/**
 * Fixed limits of the HTTP plane. Those of messages and connections are the same as for gRPC, see `rpc/limits.ts`.
 */

/** Bytes of request bodies that are held at a time, of all callers together; more are 503. A gigabyte of strangers' JSON is nobody's work. */
export const MAX_BUFFERED_BODY_BYTES = 64 * 1024 * 1024;
/** A request must have come within this; slower is 408. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** The first byte, and then the headers, of a request must have come within this; else the connection is closed. */
export const HEADERS_TIMEOUT_MS = 10_000;
/** Calls at a time on one HTTP/2 connection; clients hold further ones back. */
export const MAX_HTTP2_STREAMS = 100;
/** A write that storage has not answered for this long makes the node not ready. */
export const MAX_COMMIT_MS = 5_000;
/** Longest deadline that a caller of Connect may set; longer is INVALID_ARGUMENT. A day: some wait for tasks. */
export const MAX_CALL_TIMEOUT_MS = 86_400_000;
/** Queues with time series of their own in the metrics, for the life of the process; the rest is added up as `other`. */
export const MAX_METRIC_QUEUES = 100;
/** Analyzers with time series of their own in the metrics; the rest is added up as `other`. */
export const MAX_METRIC_ANALYZERS = 100;
/** Pairs of queue and analyzer whose shares have time series of their own; the rest is added up as `other` in its queue. */
export const MAX_METRIC_SHARES = 200;
