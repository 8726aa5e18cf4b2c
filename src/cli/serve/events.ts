/**
 * Names of everything a node logs: stable, so that searches and alerts can rely on the field `event`.
 *
 * Each name carries its message, which is also its documentation.
 */
import type { EngineEvent } from "../../engine/log.ts";
import type { HttpEvent } from "../../http/log.ts";
import type { RpcEvent } from "../../rpc/status.ts";

/** Events of the process around the engine. */
export type NodeEvent = "node.started" | "node.stopping" | "node.stopped" | "node.failed" | "traces.trouble";

/** Every event of a node. */
export type LogEvent = NodeEvent | EngineEvent | RpcEvent | HttpEvent;

/** What each event means. */
export const EVENT_MESSAGES: Readonly<Record<LogEvent, string>> = {
  "node.started": "the node takes calls",
  "node.stopping": "the node was told to stop",
  "node.stopped": "the node has stopped in good order",
  "node.failed": "the node cannot go on; the process ends",
  "traces.trouble": "traces cannot be sent as the environment asks for",
  "rpc.fault": "a call failed for a reason that is the node's fault",
  "operator.action": "an operator changed something, or was refused to",
  "connection.refused": "connections are refused: raise maxConnections or close some",
  "connection.failed": "a connection could not be accepted",
  "http.request": "a request by HTTP was answered, or its caller has gone",
  "connection.cut": "connections were ended for what they did",
  "node.draining": "no more work is given out; results are awaited",
  "node.drained": "the drain is over",
  "analyzer.attached": "an analyzer said hello and was welcomed",
  "analyzer.detached": "the stream of an analyzer broke; its tasks wait for it for the resume grace",
  "analyzer.left": "an analyzer left in good order",
  "analyzer.lost": "an analyzer was lost; its tasks go to others, an attempt charged",
  "analyzer.replaced": "a newer session of the same analyzer took over",
  "analyzer.refused": "an analyzer broke the protocol or a limit; its session has ended",
  "dispatch.held": "after a crash, dispatch waits for analyzers to return with their tasks",
  "dispatch.begun": "dispatch has begun",
  "disk.low": "little space is left: submits are refused, results are still taken",
  "disk.recovered": "there is space again: submits are taken",
  "store.failed": "storage failed; nothing it says can be trusted any more",
  "task.failed": "a task became a dead letter",
};
