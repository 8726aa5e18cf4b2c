/**
 * What the engine knows of a queue's demand, put to the rule of `core/scaling.ts`.
 *
 * Rates are those of this node since its start; what waits and runs is what the store says.
 */
import { analyzerRate, analyzersWanted, type Demand } from "../core/scaling.ts";
import type { Subscription } from "./analyzer.ts";
import type { ScalingFigures } from "./api.ts";
import type { NodeState } from "./node-state.ts";
import type { QueueState } from "./queue-state.ts";

const MS_PER_SECOND = 1000;

/** The scaling of one queue. Asking for a queue that is not known enters nothing. */
export async function scalingFigures(node: NodeState, name: string, targetWaitMs: number): Promise<ScalingFigures> {
  const snapshot = (await node.parts.store.queues()).find((candidate) => candidate.name === name);
  const counts = { waiting: snapshot?.counts.PENDING ?? 0, running: snapshot?.counts.RUNNING ?? 0 };
  const queue = node.queues.get(name);
  if (queue === undefined) {
    const wanted = counts.waiting + counts.running > 0 ? 1 : 0;
    return { ...NOTHING_KNOWN, queue: name, ...counts, analyzersWanted: wanted };
  }
  const nowMs = node.leaseMs;
  queue.observeDemand(nowMs);
  const analyzers = noteAnalyzers(queue);
  const demand: Demand = {
    ...counts,
    arrivalsPerMs: queue.demand.arrivalsPerMs(nowMs),
    runMs: queue.demand.runMs,
    places: queue.places,
    analyzers,
    paused: queue.settings.paused,
  };
  return {
    queue: name,
    ...counts,
    arrivalRate: demand.arrivalsPerMs * MS_PER_SECOND,
    serviceRate: queue.demand.endsPerMs(nowMs) * MS_PER_SECOND,
    analyzerRate: (analyzerRate(demand) ?? 0) * MS_PER_SECOND,
    runMs: demand.runMs ?? 0,
    analyzers,
    analyzersWanted: analyzersWanted(demand, targetWaitMs),
  };
}

const NOTHING_KNOWN = { arrivalRate: 0, serviceRate: 0, analyzerRate: 0, runMs: 0, analyzers: 0 } as const;

/** How many analyzers take its work. Remembers how many tasks one of them takes, for when none is left. */
function noteAnalyzers(queue: QueueState): number {
  const serving = [...queue.subscriptions.values()].filter(({ analyzer, member }) => {
    return member.attached && analyzer.state === "ATTACHED" && analyzer.session !== undefined;
  });
  if (serving.length > 0) queue.places = serving.reduce((sum, each) => sum + placesOf(each), 0) / serving.length;
  return serving.length;
}

/** An analyzer of several queues has a part of its places for each. */
function placesOf({ analyzer, fraction }: Subscription): number {
  return (analyzer.session?.window.max ?? 0) * fraction;
}
