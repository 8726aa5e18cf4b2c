/**
 * What a pool tells about itself: the form in which it travels over the control socket, and as people read it.
 */
import { z } from "zod";
import { formatCount, formatDuration, shorten } from "../output/figures.ts";
import { formatTable, numberColumn, textColumn } from "../output/table.ts";

/** A pool as its control socket tells it. */
export const poolStatusSchema = z.object({
  queue: z.string(),
  /** The process to send SIGTERM to. */
  pid: z.int(),
  /** The nodes. */
  addresses: z.array(z.string()),
  min: z.int(),
  max: z.int(),
  /** How many analyzers there should be now. */
  target: z.int(),
  /** What was set by hand; null: the target follows what the node wants. */
  byHand: z.int().nullable(),
  /** What the node said last; null before its first answer. */
  scaling: z.object({ waiting: z.int(), running: z.int(), analyzersWanted: z.int(), targetWaitMs: z.int() }).nullable(),
  /** Why the node does not answer; null: it does. */
  problem: z.string().nullable(),
  analyzers: z.array(
    z.object({
      id: z.string(),
      state: z.enum(["up", "crashed", "draining"]),
      pid: z.int().nullable(),
      /** In this state. */
      forMs: z.number(),
      /** In a row. */
      crashes: z.int(),
      /** Crashed: when it is started again, from now. */
      restartInMs: z.number(),
      /** Crashed: how it ended, and what it wrote last. */
      lastWords: z.string(),
    }),
  ),
});

/** See `poolStatusSchema`. */
export type PoolStatus = z.infer<typeof poolStatusSchema>;

/** Crashes in a row that are a loop, not an accident. */
export const CRASH_LOOP = 3;
const MAX_SHOWN_WORDS = 100;

/** The status as lines. */
export function poolReport(status: PoolStatus): string[] {
  const { queue, pid, min, max, analyzers } = status;
  const up = analyzers.filter(({ state }) => state === "up").length;
  return [
    `pool of queue ${queue} (pid ${pid}): ${up} up, ${status.target} to be, ${min} to ${max} allowed; ${reasonOf(status)}`,
    ...(status.problem === null ? [] : [`the node does not say what it wants: ${status.problem}`]),
    ...(analyzers.length === 0 ? [] : ["", ...analyzerTable(analyzers)]),
  ];
}

function reasonOf({ byHand, scaling }: PoolStatus): string {
  if (byHand !== null) return `set by hand, 'sluice pool scale QUEUE auto' ends that`;
  if (scaling === null) return "the node has not said yet what it wants";
  const { analyzersWanted, waiting, running, targetWaitMs } = scaling;
  const work = `${formatCount(waiting)} waiting, ${formatCount(running)} running`;
  return `the node wants ${formatCount(analyzersWanted)} for a wait of ${formatDuration(targetWaitMs)} (${work})`;
}

function analyzerTable(analyzers: PoolStatus["analyzers"]): string[] {
  return formatTable(
    [textColumn("ANALYZER"), textColumn("STATE"), numberColumn("PID"), numberColumn("FOR"), textColumn("")],
    analyzers.map(({ id, state, pid, forMs, crashes, restartInMs, lastWords }) => [
      id,
      state === "crashed" && crashes >= CRASH_LOOP ? "crash loop" : state,
      pid === null ? "-" : String(pid),
      formatDuration(forMs),
      state === "crashed"
        ? `${crashes} in a row, again in ${formatDuration(restartInMs)}: ${shorten(lastWords, MAX_SHOWN_WORDS)}`
        : "",
    ]),
  );
}
