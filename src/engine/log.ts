/**
 * What the engine reports, by fixed event names. Adapters turn it into log lines and metrics.
 */

/** Levels, as in pino. Nothing per task is above debug. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Names of the engine's events: stable, so that alerts can rely on them. */
export type EngineEvent =
  /** An analyzer said hello and was welcomed. */
  | "analyzer.attached"
  /** Its stream broke; its leases are kept for the resume grace. */
  | "analyzer.detached"
  /** It left in good order. */
  | "analyzer.left"
  /** It was lost: missed heartbeats, or the resume grace ended. Its leases are requeued and charged. */
  | "analyzer.lost"
  /** A newer session of the same analyzer id took over. */
  | "analyzer.replaced"
  /** A frame broke the protocol, or a limit was reached; the session has ended. */
  | "analyzer.refused"
  /** After a crash, dispatch waits for analyzers to return with their leases. */
  | "dispatch.held"
  /** Dispatch has begun. */
  | "dispatch.begun"
  /** The node drains. */
  | "node.draining"
  /** The drain is over. */
  | "node.drained"
  /** There is little space left: submits are refused. */
  | "disk.low"
  /** There is enough again: submits are taken. */
  | "disk.recovered"
  /** Storage failed; the process must stop. */
  | "store.failed"
  /** A task became a dead letter. */
  | "task.failed";

/** Takes the engine's reports. */
export type EngineLog = (level: LogLevel, event: EngineEvent, fields: Readonly<Record<string, unknown>>) => void;
