/**
 * The figures that the engine shows: of the node, its queues, its analyzers. Reads, changes nothing.
 */
import type { QueueSnapshot } from "../store/port.ts";
import type { AnalyzerRecord, Subscription } from "./analyzer.ts";
import type { AnalyzerFigures, Figures, NodeFigures, QueueFigures, ShareFigures } from "./api.ts";
import type { NodeState } from "./node-state.ts";
import { MAX_SHOWN_PROGRESS } from "./settings.ts";

function stateOf(analyzer: AnalyzerRecord): AnalyzerFigures["state"] {
  // A session that is being opened is attached as far as anybody outside can tell.
  return analyzer.state === "OPENING" ? "ATTACHED" : analyzer.state;
}

function shareFigures(node: NodeState, subscription: Subscription): ShareFigures {
  const { queue, member, analyzer } = subscription;
  const nowMs = node.monotonicMs;
  const recent = queue.recent.value(nowMs);
  return {
    analyzerId: analyzer.id,
    weight: member.weight,
    expected: member.attached ? member.weight / queue.share.attachedWeight : 0,
    observed: recent > 0 ? Math.min(1, subscription.recent.value(nowMs) / recent) : 0,
    lead: member.attached ? queue.share.lead(member) : 0,
    delivered: subscription.delivered,
    completed: subscription.completed,
    failed: subscription.failed,
  };
}

/** One queue, from what the store says and what the engine knows. */
export function queueFigures(node: NodeState, snapshot: QueueSnapshot): QueueFigures {
  const queue = node.queue(snapshot.name);
  const shares = [...queue.subscriptions.values()].map((subscription) => shareFigures(node, subscription));
  shares.sort((a, b) => (a.analyzerId < b.analyzerId ? -1 : 1));
  const { headSubmittedMs } = snapshot;
  return {
    ...snapshot,
    totals: { ...queue.totals },
    headWaitMs: headSubmittedMs === 0 ? 0 : Math.max(0, node.wallMs - headSubmittedMs),
    shares,
  };
}

/** One analyzer. */
export function analyzerFigures(node: NodeState, analyzer: AnalyzerRecord): AnalyzerFigures {
  const subscriptions = [...analyzer.subscriptions.values()];
  const sum = (figure: (subscription: Subscription) => number) =>
    subscriptions.reduce((total, subscription) => total + figure(subscription), 0);
  const { session } = analyzer;
  const reports = [...analyzer.leases].flatMap(({ progress }) => (progress === undefined ? [] : [progress]));
  return {
    id: analyzer.id,
    state: stateOf(analyzer),
    weight: analyzer.weight,
    credit: session?.window.credit ?? 0,
    inFlight: [...analyzer.leases].filter((lease) => !lease.answered).length,
    maxInFlight: session?.window.max ?? 0,
    lastFrameMs: Math.max(0, node.leaseMs - analyzer.lastFrameMs),
    writable: session?.isWritable ?? false,
    version: analyzer.version,
    labels: analyzer.labels,
    queues: subscriptions.filter(({ member }) => member.attached).map(({ queue }) => queue.name),
    peer: session?.peer ?? "",
    attachedMs: analyzer.attachedMs,
    delivered: sum(({ delivered }) => delivered),
    completed: sum(({ completed }) => completed),
    failed: sum(({ failed }) => failed),
    progress: reports.slice(0, MAX_SHOWN_PROGRESS),
  };
}

/** Everything, or what belongs to one queue. */
export async function allFigures(
  node: NodeState,
  only: string,
  about: Pick<NodeFigures, "uptimeMs" | "holdMs" | "freeBytes" | "diskLow">,
): Promise<Figures> {
  const snapshots = await node.parts.store.queues();
  const queues = snapshots
    .filter(({ name }) => only === "" || name === only)
    .map((snapshot) => queueFigures(node, snapshot));
  const analyzers = [...node.analyzers.values()]
    .filter(({ subscriptions }) => only === "" || subscriptions.has(only))
    .map((analyzer) => analyzerFigures(node, analyzer));
  analyzers.sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    node: {
      ...about,
      epoch: node.epoch,
      version: node.parts.version,
      draining: node.isDraining,
      store: node.parts.store.kind,
      sessions: node.sessions,
      leases: node.leases.size,
    },
    queues,
    analyzers,
  };
}
