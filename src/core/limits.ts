/**
 * Every fixed limit of the node, with its reason. What an operator may change is in the configuration
 * (`src/cli/config`) or in the settings of a queue; docs/limits.md lists all of them with their statuses.
 */

/** Tasks in one SubmitBatch; more are INVALID_ARGUMENT. Batches beyond this gain no speed and hold the loop longer. */
export const MAX_BATCH_TASKS = 1000;
/** Results, releases or progress reports in one frame; more are INVALID_ARGUMENT. */
export const MAX_FRAME_ITEMS = 10_000;
/** Bytes of a queue name, analyzer id; longer is INVALID_ARGUMENT. */
export const MAX_NAME_BYTES = 128;
/** Bytes of a task type, content type, fairness key; longer is INVALID_ARGUMENT. */
export const MAX_LABEL_BYTES = 128;
/** Attributes of a task; more are INVALID_ARGUMENT. */
export const MAX_ATTRIBUTES = 64;
/** Bytes of an attribute value; longer is INVALID_ARGUMENT. */
export const MAX_ATTRIBUTE_VALUE_BYTES = 4096;
/** Queues in one hello; more are INVALID_ARGUMENT. */
export const MAX_SUBSCRIPTIONS = 64;
/** Labels in one hello; more are INVALID_ARGUMENT. */
export const MAX_ANALYZER_LABELS = 16;
/** Largest weight of an analyzer, subscription or fairness key; larger is INVALID_ARGUMENT. */
export const MAX_WEIGHT = 1_000_000;
/** Smallest weight; smaller is INVALID_ARGUMENT. Keeps virtual times within what a double resolves. */
export const MIN_WEIGHT = 0.001;
/** Highest priority; higher is INVALID_ARGUMENT. */
export const MAX_PRIORITY = 9;
/** Priority of a task that names none: the middle that JMS chose for the same scale. */
export const DEFAULT_PRIORITY = 4;
/** Most attempts a task may ask for; more are INVALID_ARGUMENT. */
export const MAX_ATTEMPTS = 100;
/** Longest backoff a task may ask for: a day; longer is INVALID_ARGUMENT. */
export const MAX_BACKOFF_MS = 86_400_000;
/** Failed attempts kept in a task's history; older ones are dropped. */
export const MAX_HISTORY = 20;
/** Bytes of an error's code; longer is cut. */
export const MAX_ERROR_CODE_BYTES = 64;
/** Bytes of an error's message; longer is cut. */
export const MAX_ERROR_MESSAGE_BYTES = 4096;
/** Bytes of an error's details; longer is cut. */
export const MAX_ERROR_DETAILS_BYTES = 16_384;
/** Bytes of a progress note; longer is cut. */
export const MAX_PROGRESS_NOTE_BYTES = 256;
/** Tasks on one page of a list; higher is cut. */
export const MAX_PAGE_SIZE = 1000;
/** Records a list may look at for one page: a selective filter gets a short page instead of a blocked node. */
export const MAX_PAGE_SCAN = 10_000;
/** Bytes of tasks that are read for one page; one task may exceed it. Bounds the memory and the time of a page of large tasks. */
export const MAX_PAGE_SCAN_BYTES = 4 * 1024 * 1024;
/** Ids in one wait or selection; more are INVALID_ARGUMENT. */
export const MAX_SELECTION_IDS = 1000;
/** Tasks changed by one cancel, retry or purge call; higher is cut. */
export const MAX_OPERATION_TASKS = 10_000;
/** Tasks handed out in one turn of the engine: bounds how long the loop is held before it reads sockets again. */
export const MAX_TURN_DELIVERIES = 2_000;
/** Queues of a node; a task for one more is RESOURCE_EXHAUSTED. */
export const MAX_QUEUES = 10_000;

/** Retry policy of a task that names none. */
export const DEFAULT_RETRY = {
  maxAttempts: 3,
  initialBackoffMs: 1000,
  backoffFactor: 2,
  maxBackoffMs: 60_000,
} as const;
