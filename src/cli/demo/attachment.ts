/** Waits for the demo's analyzers: before they are attached, shares would mean nothing. */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Admin } from "@sluice/client";
import { CommandError } from "../exit.ts";
import { DEMO_QUEUE, type DemoCluster } from "./cluster.ts";
import { queueView } from "./queue-view.ts";

/** How often the node is asked. */
const LOOK_MS = 100;
/** How long the analyzers may take to attach. */
const DEADLINE_MS = 20_000;

/** Resolves when every analyzer that runs is attached. CommandError with their last words when they are not in time. */
export async function whenAttached(admin: Admin, cluster: DemoCluster, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (true) {
    signal.throwIfAborted();
    const { attached } = queueView(await admin.stats(DEMO_QUEUE));
    const missing = cluster.analyzers.filter((each) => !cluster.isCrashed(each) && !attached.includes(each.id));
    if (missing.length === 0) return;
    if (performance.now() > deadlineMs) {
      const words = missing.flatMap(({ process }) => process.lastLines);
      throw new CommandError(["the demo's analyzers did not attach in time", ...words].join("\n  "));
    }
    await wait(LOOK_MS, undefined, { signal });
  }
}
