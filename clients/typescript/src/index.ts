/**
 * The TypeScript SDK of Sluice: `Emitter` submits tasks, `Analyzer` works on them, `Admin` operates a node.
 */
export { Admin, type ListTasksInput, type QueueSettingsInput, type TaskSelection } from "./admin.ts";
export { Analyzer } from "./analyzer/analyzer.ts";
export type { AnalyzerEvent, AnalyzerStats, LeaseLoss } from "./analyzer/analyzer-event.ts";
export type { AnalyzerOptions, QueueInput } from "./analyzer/analyzer-options.ts";
export type { Handler, HandlerContext, HandlerResult, Handlers } from "./analyzer/handler.ts";
export { ReceivedTask } from "./analyzer/received-task.ts";
export type { ConnectionOptions } from "./connection.ts";
export { Emitter, type EmitterOptions, type SubmitOptions, type TaskHandle } from "./emitter/emitter.ts";
export type { ResultOptions } from "./emitter/result-waiter.ts";
export {
  type SubmitFailure,
  SubmitManyError,
  type SubmitManyOptions,
  type SubmitSummary,
} from "./emitter/submit-many.ts";
export type { SubmitRetry } from "./emitter/submit-sender.ts";
export type { RetryInput, TaskInput } from "./emitter/task-input.ts";
export { TaskOutcome } from "./emitter/task-outcome.ts";
export {
  type AbortCause,
  HandlerAbortedError,
  HandlerError,
  SluiceClientError,
  type StatusName,
  SubmitError,
  TaskCancelledError,
  TaskFailedError,
} from "./errors.ts";
export type { Logger } from "./logger.ts";
export type { Payload } from "./payload.ts";
export type { AttemptTrace, SubmittedTask, TraceCarrier, TraceStep, Tracing } from "./tracing.ts";
