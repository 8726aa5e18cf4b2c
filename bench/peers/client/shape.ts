/** How tasks are taken, from every system. */
import type { ConsumerShape } from "./adapter.ts";

/** Four workers with 100 tasks in hand each, all in one process. */
export const CONSUMER_SHAPE: ConsumerShape = { workers: 4, prefetch: 100 };
