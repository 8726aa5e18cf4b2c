/**
 * Says in words why a task or an analyzer is where it is: the answer to every silent stall.
 */
import type { StoredTask } from "../store/port.ts";
import type { AnalyzerRecord, Subscription } from "./analyzer.ts";
import type { LiveTask } from "./api.ts";
import { isoTime } from "./clock.ts";
import type { NodeState } from "./node-state.ts";

/** Analyzers named in one reason; more are counted. */
const MAX_NAMED = 5;

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, MAX_NAMED).join(", ");
  return ids.length > MAX_NAMED ? `${shown} and ${ids.length - MAX_NAMED} more` : shown;
}

function lastError(task: StoredTask, introduction: string): string {
  const error = task.history.at(-1)?.error;
  return error === undefined ? "" : `${introduction}: ${error.code} ${error.message}`;
}

/** Why an attached analyzer gets nothing from a queue; undefined when it could. */
function obstacle(subscription: Subscription): string | undefined {
  const { analyzer } = subscription;
  const { session } = analyzer;
  if (analyzer.state === "DRAINING") return "draining";
  if (session === undefined) return "not attached";
  if (!session.isWritable) return "not reading (its socket is full)";
  if (session.window.credit === 0) return `without credit (${session.window.inFlight} in flight)`;
  return undefined;
}

function explainPending(node: NodeState, task: StoredTask, isOpen: boolean): string[] {
  const queue = node.queue(task.queue);
  const attached = [...queue.subscriptions.values()].filter(({ member }) => member.attached);
  const reasons: string[] = [];
  if (queue.settings.paused) reasons.push(`waiting: queue ${queue.name} is paused`);
  if (node.isDraining) reasons.push("waiting: the node is draining");
  else if (!isOpen) reasons.push("waiting: the node restarted and holds dispatch while analyzers return");
  if (attached.length === 0) reasons.push(`waiting: no analyzer serves queue ${queue.name}`);
  const byObstacle = new Map<string, string[]>();
  for (const subscription of attached) {
    const why = obstacle(subscription) ?? "ready to take work";
    byObstacle.set(why, [...(byObstacle.get(why) ?? []), subscription.analyzer.id]);
  }
  for (const [why, ids] of byObstacle) reasons.push(`analyzers ${named(ids)}: ${why}`);
  if (byObstacle.has("ready to take work")) {
    reasons.push(
      queue.settings.maxLead > 0
        ? `the ready ones wait for slower analyzers (max lead ${queue.settings.maxLead}), or its turn is about to come`
        : "its turn is about to come",
    );
  }
  return reasons;
}

/** Why a task is where it is, the most important reason first. */
export function explainTask(node: NodeState, task: LiveTask, isOpen: boolean): string[] {
  const nowMs = node.wallMs;
  switch (task.state) {
    case "PENDING":
      return explainPending(node, task, isOpen);
    case "SCHEDULED":
      return [`delayed until ${isoTime(task.dueMs)} (${seconds(task.dueMs - nowMs)} from now)`];
    case "RETRYING":
      return [`retrying in ${seconds(task.dueMs - nowMs)}${lastError(task, " after")}`];
    case "RUNNING": {
      const progress =
        task.progress === undefined ? "" : `, ${task.progress.percent} % ${task.progress.note}`.trimEnd();
      return [`running at analyzer ${task.analyzerId} for ${seconds(nowMs - task.startMs)}${progress}`];
    }
    case "COMPLETED":
      return [`completed by analyzer ${task.analyzerId} in attempt ${task.attempts + 1}`];
    case "FAILED":
      return [
        `dead letter after ${task.attempts} ${task.attempts === 1 ? "attempt" : "attempts"}${lastError(task, ", the last with")}`,
      ];
    case "CANCELLED":
      return ["cancelled"];
  }
}

/** Why an analyzer is idle or busy, the most important reason first. */
export function explainAnalyzer(node: NodeState, analyzer: AnalyzerRecord): string[] {
  if (analyzer.state === "GONE") return ["gone: it left or was lost"];
  if (analyzer.state === "DETACHED") return [`its stream broke; ${analyzer.leases.size} leases wait for its return`];
  const reasons: string[] = [];
  for (const subscription of analyzer.served()) {
    const { queue, member } = subscription;
    const ready = node.parts.store.readyHint(queue.name);
    const why = obstacle(subscription);
    if (why !== undefined) reasons.push(`queue ${queue.name}: ${why}`);
    else if (queue.settings.paused) reasons.push(`queue ${queue.name}: idle: the queue is paused`);
    else if (ready === 0) reasons.push(`queue ${queue.name}: idle: nothing waits`);
    else reasons.push(`queue ${queue.name}: idle: ${queue.share.lead(member).toFixed(1)} tasks ahead of its share`);
  }
  return reasons;
}
