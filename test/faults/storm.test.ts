/**
 * A reconnect storm, here of a size for every day. `npm run faults -- --storm 2000` makes a large one.
 */
import { expect, test } from "vitest";
import { runStorm } from "./storm.ts";

const ANALYZERS = 150;
const PER_SECOND = 300;
const DEADLINE_MS = 40_000;
const TIMEOUT_MS = 180_000;
/** The node's heap is collected when it likes; what must not be is that every storm leaves something behind. */
const MOST_GROWTH = 1.5;

test(
  "after a storm every analyzer is attached and at work again, and the node's memory is back",
  async () => {
    const report = await runStorm({ analyzers: ANALYZERS, perSecond: PER_SECOND, deadlineMs: DEADLINE_MS });
    expect(report.violations).toEqual([]);
    expect(report.afterMiB ?? 0).toBeLessThanOrEqual((report.beforeMiB ?? 0) * MOST_GROWTH);
  },
  TIMEOUT_MS,
);
