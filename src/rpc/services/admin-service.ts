/**
 * `sluice.v1.AdminService`: figures, and the levers of operators.
 */
import { AdminService } from "@sluice/client/contract";
import { SluiceError } from "../../core/errors.ts";
import type { Distributor } from "../../engine/api.ts";
import { analyzerMessage, queueMessage, statsMessage } from "../convert/figures.ts";
import { settingsChange } from "../convert/settings.ts";
import { type Method, serverStream, unary } from "../method.ts";
import { type RpcLogger, sluiceStatus } from "../status.ts";
import { checkName, checkRange, checkWeight } from "../wire/checks.ts";
import type { OpenStreams } from "./open-streams.ts";
import { streamFigures } from "./stats-stream.ts";

/** What the service needs of its server. */
export interface AdminParts {
  readonly distributor: Distributor;
  readonly logger: RpcLogger;
  readonly streams: OpenStreams;
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

function figureMethods({ distributor, logger, streams }: AdminParts): Method[] {
  const { method } = AdminService;
  return [
    unary(method.getStats, logger, async ({ queue }) => statsMessage(await distributor.figures(optionalName(queue)))),
    serverStream(method.watchStats, logger, (request, call, encode) => {
      const queue = optionalName(request.queue);
      const intervalMs = request.intervalMs || DEFAULT_INTERVAL_MS;
      checkRange(intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS, "interval_ms");
      const over = new AbortController();
      const gone = streams.add(() => {
        over.abort();
        call.emit("error", sluiceStatus(new SluiceError("UNAVAILABLE", "this node is stopping")));
      });
      call.on("cancelled", () => {
        over.abort();
        gone();
      });
      const next = async () => encode({ stats: statsMessage(await distributor.figures(queue)) });
      void streamFigures(call, intervalMs, next, over.signal, logger);
    }),
  ];
}

function queueMethods({ distributor, logger }: AdminParts): Method[] {
  const { method } = AdminService;
  const configure = async (queue: string, change: Parameters<Distributor["configureQueue"]>[1]) => {
    checkName(queue, "queue");
    return { queue: queueMessage(await distributor.configureQueue(queue, change)) };
  };
  return [
    unary(method.listQueues, logger, async () => {
      const { queues } = await distributor.figures("");
      return { queues: queues.map(queueMessage) };
    }),
    unary(method.pauseQueue, logger, ({ queue }) => configure(queue, { paused: true })),
    unary(method.resumeQueue, logger, ({ queue }) => configure(queue, { paused: false })),
    unary(method.setQueue, logger, ({ queue, settings }) => configure(queue, settingsChange(settings))),
  ];
}

function analyzerMethods({ distributor, logger }: AdminParts): Method[] {
  const { method } = AdminService;
  return [
    unary(method.listAnalyzers, logger, async (request) => {
      const queue = optionalName(request.queue);
      const { analyzers } = await distributor.figures(queue);
      const wanted = analyzers.filter((analyzer) => queue === "" || analyzer.queues.includes(queue));
      return { analyzers: wanted.map(analyzerMessage) };
    }),
    unary(method.setAnalyzerWeight, logger, ({ analyzerId, weight }) => {
      checkName(analyzerId, "analyzer_id");
      checkWeight(weight, "weight");
      return { analyzer: analyzerMessage(distributor.setWeight(analyzerId, weight)) };
    }),
    unary(method.drainAnalyzer, logger, ({ analyzerId }) => {
      checkName(analyzerId, "analyzer_id");
      return { analyzer: analyzerMessage(distributor.drainAnalyzer(analyzerId)) };
    }),
    unary(method.explainAnalyzer, logger, ({ analyzerId }) => {
      checkName(analyzerId, "analyzer_id");
      return { reasons: [...distributor.explainAnalyzer(analyzerId)] };
    }),
  ];
}

function drainMethod({ logger, drain }: AdminParts): Method {
  return unary(AdminService.method.drainNode, logger, () => {
    drain();
    return {};
  });
}

/** The name of a queue, or nothing for all of them. */
function optionalName(queue: string): string {
  if (queue !== "") checkName(queue, "queue");
  return queue;
}
