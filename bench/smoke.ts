/** What a smoke run must show. Speed is no part of it: the machine may be busy. */
import type { Report } from "./report.ts";

/** What is wrong with a run that was small and undisturbed; empty when nothing is. */
export function checkSmoke(report: Report): string[] {
  const { tasks, options, submitLatencyMs, handlerLatencyMs, repeatedDeliveries, shares, node } = report;
  const problems: string[] = [];
  if (tasks !== options.tasks) problems.push(`${tasks} tasks were submitted, not ${options.tasks}`);
  if (submitLatencyMs.count !== tasks) problems.push(`${submitLatencyMs.count} of ${tasks} tasks were accepted`);
  if (handlerLatencyMs.count !== tasks) problems.push(`${handlerLatencyMs.count} of ${tasks} tasks were handled`);
  if (repeatedDeliveries !== 0) problems.push(`${repeatedDeliveries} deliveries were repeated`);
  if (options.address === undefined && node.store !== options.store) problems.push(`the store is ${node.store}`);
  for (const [index, share] of shares.entries()) {
    if (share.tasks === 0) problems.push(`analyzer ${index + 1} got nothing`);
  }
  return problems;
}
