/**
 * Figures of node, queues and analyzers from the domain to the contract.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AnalyzerSchema,
  AnalyzerState,
  type GetStatsResponseSchema,
  type QueueSchema,
} from "@sluice/client/contract";
import type { AnalyzerFigures, Figures, QueueFigures } from "../../engine/api.ts";
import { progressMessage } from "./task.ts";

/** Everything at one moment. */
export function statsMessage({ node, queues, analyzers }: Figures): MessageInitShape<typeof GetStatsResponseSchema> {
  return { node, queues: queues.map(queueMessage), analyzers: analyzers.map(analyzerMessage) };
}

/** A queue. */
export function queueMessage(queue: QueueFigures): MessageInitShape<typeof QueueSchema> {
  const { name, settings, counts, waitingBytes, totals, headWaitMs, shares } = queue;
  return {
    name,
    settings,
    counts: {
      pending: counts.PENDING,
      scheduled: counts.SCHEDULED,
      running: counts.RUNNING,
      retrying: counts.RETRYING,
      completed: counts.COMPLETED,
      failed: counts.FAILED,
      cancelled: counts.CANCELLED,
      waitingBytes,
    },
    totals,
    headWaitMs,
    shares: [...shares],
  };
}

/** An analyzer. */
export function analyzerMessage(analyzer: AnalyzerFigures): MessageInitShape<typeof AnalyzerSchema> {
  const { state, attachedMs, labels, queues, progress, ...rest } = analyzer;
  return {
    ...rest,
    state: AnalyzerState[state],
    attachTime: timestampFromMs(attachedMs),
    labels: { ...labels },
    queues: [...queues],
    progress: progress.map(progressMessage),
  };
}
