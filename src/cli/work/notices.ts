/** What `sluice work` tells people about its life, as lines. */
import type { AnalyzerEvent } from "@sluice/client";
import { noNodeAt } from "../client/errors.ts";
import { formatPlural } from "../output/figures.ts";

const DRAIN_WORDS = {
  NODE_STOPPING: "the node stops: finishing what runs, then connecting again",
  OPERATOR: "an operator drains this analyzer: finishing what runs",
  CLOSE: "finishing what runs; a second signal ends at once",
} as const;

/** Turns events into lines. Of an outage only the beginning and the end are told. */
export function eventNotices(
  addresses: readonly string[],
  print: (line: string) => void,
): (event: AnalyzerEvent) => void {
  let isAway = false;
  return (event) => {
    switch (event.kind) {
      case "attached":
        isAway = false;
        print(`attached to ${event.address}, up to ${formatPlural(event.maxInFlight, "task")} at a time`);
        return;
      case "detached":
        if (!isAway) print(detachedLine(event, addresses));
        isAway = true;
        return;
      case "draining":
        print(DRAIN_WORDS[event.reason]);
        return;
      case "drained":
        if (event.abandoned > 0) print(`${formatPlural(event.abandoned, "task")} not finished in time: handed back`);
        return;
      case "leaseLost":
        print(`${taskOf(event)}: the work no longer counts (${event.reason})`);
        return;
      case "taskFailed":
        print(`${taskOf(event)}: attempt ${event.attempt} failed with ${event.code}: ${event.message}`);
        return;
    }
  };
}

function taskOf({ taskId, traceId }: { readonly taskId: string; readonly traceId: string | undefined }): string {
  return traceId === undefined ? `task ${taskId}` : `task ${taskId} (trace ${traceId})`;
}

function detachedLine(event: AnalyzerEvent & { kind: "detached" }, addresses: readonly string[]): string {
  if (event.error === undefined) return "detached: connecting again";
  if (event.error.code === "UNAVAILABLE") return `waiting: ${noNodeAt(addresses)}`;
  return `detached: ${event.error.message} (${event.error.code}); connecting again`;
}
