/**
 * `sluice.v1.AdminService`: figures, and the levers of operators.
 */
import { AdminService } from "@sluice/client/contract";
import { SluiceError } from "../../core/errors.ts";
import type { Distributor } from "../../engine/api.ts";
import { analyzerMessage, queueMessage, statsMessage } from "../convert/figures.ts";
import { scalingRequest } from "../convert/scaling.ts";
import { settingsChange } from "../convert/settings.ts";
import { MAX_WATCHERS } from "../limits.ts";
import { type Method, serverStream, unary } from "../method.ts";
import type { RpcLogger } from "../status.ts";
import { checkName, checkRange, checkWeight } from "../wire/checks.ts";
import { audited, settingsFields } from "./audit.ts";
import { streamFigures } from "./stats-stream.ts";

/** What the service needs. */
export interface AdminParts {
  readonly distributor: Distributor;
  readonly logger: RpcLogger;
  /** Begins what SIGTERM does. */
  drain(): void;
}

const DEFAULT_INTERVAL_MS = 1000;
const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 60_000;

/** The methods. */
export function adminMethods(parts: AdminParts): Method[] {
  return [...figureMethods(parts), ...queueMethods(parts), ...analyzerMethods(parts), drainMethod(parts)];
}

function figureMethods({ distributor }: AdminParts): Method[] {
  const { method } = AdminService;
  let watchers = 0;
  return [
    unary(method.getScaling, async (request) => {
      const { queue, targetWaitMs } = scalingRequest(request);
      return { ...(await distributor.scaling(queue, targetWaitMs)), targetWaitMs };
    }),
    unary(method.getStats, async ({ queue }) => statsMessage(await distributor.figures(optionalName(queue)))),
    serverStream(method.watchStats, (request, stream, encode) => {
      const queue = optionalName(request.queue);
      const intervalMs = request.intervalMs || DEFAULT_INTERVAL_MS;
      checkRange(intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS, "interval_ms");
      if (watchers >= MAX_WATCHERS) {
        throw new SluiceError("RESOURCE_EXHAUSTED", `${MAX_WATCHERS} watch already: ask with GetStats now and then`);
      }
      watchers += 1;
      const figures = streamFigures(stream, intervalMs, async () =>
        encode({ stats: statsMessage(await distributor.figures(queue)) }),
      );
      const closed = (): void => {
        watchers -= 1;
        figures.closed();
      };
      return { ...figures, closed };
    }),
  ];
}

function queueMethods({ distributor, logger }: AdminParts): Method[] {
  const { method } = AdminService;
  const configure = async (queue: string, change: Parameters<Distributor["configureQueue"]>[1]) => {
    checkName(queue, "queue");
    return { queue: queueMessage(await distributor.configureQueue(queue, change)) };
  };
  const target = ({ queue }: { readonly queue: string }) => ({ queue });
  return [
    unary(method.listQueues, async () => {
      const { queues } = await distributor.figures("");
      return { queues: queues.map(queueMessage) };
    }),
    unary(
      method.pauseQueue,
      audited(logger, { action: "queue.pause", target }, ({ queue }) => configure(queue, { paused: true })),
    ),
    unary(
      method.resumeQueue,
      audited(logger, { action: "queue.resume", target }, ({ queue }) => configure(queue, { paused: false })),
    ),
    unary(
      method.setQueue,
      audited(
        logger,
        { action: "queue.set", target: ({ queue, settings }) => ({ queue, ...settingsFields(settings) }) },
        ({ queue, settings }) => configure(queue, settingsChange(settings)),
      ),
    ),
  ];
}

function analyzerMethods({ distributor, logger }: AdminParts): Method[] {
  const { method } = AdminService;
  return [
    unary(method.listAnalyzers, async (request) => {
      const queue = optionalName(request.queue);
      const { analyzers } = await distributor.figures(queue);
      const wanted = analyzers.filter((analyzer) => queue === "" || analyzer.queues.includes(queue));
      return { analyzers: wanted.map(analyzerMessage) };
    }),
    unary(
      method.setAnalyzerWeight,
      audited(
        logger,
        { action: "analyzer.weight", target: ({ analyzerId, weight }) => ({ analyzer: analyzerId, weight }) },
        ({ analyzerId, weight }) => {
          checkName(analyzerId, "analyzer_id");
          checkWeight(weight, "weight");
          return { analyzer: analyzerMessage(distributor.setWeight(analyzerId, weight)) };
        },
      ),
    ),
    unary(
      method.drainAnalyzer,
      audited(
        logger,
        { action: "analyzer.drain", target: ({ analyzerId }) => ({ analyzer: analyzerId }) },
        ({ analyzerId }) => {
          checkName(analyzerId, "analyzer_id");
          return { analyzer: analyzerMessage(distributor.drainAnalyzer(analyzerId)) };
        },
      ),
    ),
    unary(method.explainAnalyzer, ({ analyzerId }) => {
      checkName(analyzerId, "analyzer_id");
      return { reasons: [...distributor.explainAnalyzer(analyzerId)] };
    }),
  ];
}

function drainMethod({ logger, drain }: AdminParts): Method {
  return unary(
    AdminService.method.drainNode,
    audited(logger, { action: "node.drain", target: () => ({}) }, () => {
      drain();
      return {};
    }),
  );
}

/** The name of a queue, or nothing for all of them. */
function optionalName(queue: string): string {
  if (queue !== "") checkName(queue, "queue");
  return queue;
}
