/** Cancel, retry and purge: the node changes a limited number per call, so the call is repeated until nothing is left. */
import type { Admin, TaskSelection } from "@sluice/client";
import { formatPlural } from "../output/figures.ts";

/** What was done so far. */
export interface OperationTotals {
  /** Tasks for which it took effect at once. */
  done: number;
  /** Cancel: running tasks whose analyzer was asked to stop. */
  requested: number;
  /** Tasks named by id that are unknown or not in a state that allows it. */
  skipped: number;
}

/** One call: what it did, and whether more tasks match. */
interface Step extends OperationTotals {
  readonly more: boolean;
}

/** Cancels everything selected. */
export function cancelAll(admin: Admin, selection: TaskSelection): Promise<OperationTotals> {
  return repeat(async () => {
    const { cancelled, requested, skipped, more } = await admin.cancelTasks(selection);
    // A running task goes on matching until its analyzer answers: asking it again and again would never end.
    return { done: cancelled, requested, skipped, more: more && cancelled > 0 };
  });
}

/** Puts everything selected back, at most `ratePerSecond` of it per second (0 = no limit). */
export function retryAll(admin: Admin, selection: TaskSelection, ratePerSecond: number): Promise<OperationTotals> {
  return repeat(async () => {
    const { retried, skipped, more } = await admin.retryTasks(selection, { ratePerSecond });
    return { done: retried, requested: 0, skipped, more: more && retried > 0 };
  });
}

/** Deletes everything selected that has ended. */
export function purgeAll(admin: Admin, selection: TaskSelection): Promise<OperationTotals> {
  return repeat(async () => {
    const { purged, skipped, more } = await admin.purgeTasks(selection);
    return { done: purged, requested: 0, skipped, more: more && purged > 0 };
  });
}

async function repeat(step: () => Promise<Step>): Promise<OperationTotals> {
  const totals: OperationTotals = { done: 0, requested: 0, skipped: 0 };
  let more = true;
  while (more) {
    const did = await step();
    totals.done += did.done;
    totals.requested += did.requested;
    totals.skipped += did.skipped;
    more = did.more;
  }
  return totals;
}

/** The totals as a line, such as `3 tasks cancelled, 1 analyzer asked to stop`. */
export function describeTotals({ done, requested, skipped }: OperationTotals, verb: string): string {
  const facts = [`${formatPlural(done, "task")} ${verb}`];
  if (requested > 0) facts.push(`${formatPlural(requested, "running task")} asked to stop`);
  if (skipped > 0) facts.push(`${formatPlural(skipped, "task")} skipped: unknown, or not in a state that allows it`);
  return facts.join(", ");
}
