/**
 * Says of every action of an operator who did what, and how it ended, in one line of the log: for gRPC and HTTP alike,
 * because both call the same methods.
 *
 *  A1  An action that took effect is logged as info with the outcome OK, a refused one as warn with its code and reason.
 *  A2  What callers say of themselves is logged cut to MAX_AUDIT_TEXT_LENGTH, never trusted.
 */
import { type DescMessage, type MessageInitShape, type MessageShape, toJson } from "@bufbuild/protobuf";
import { QueueSettingsSchema, type TaskSelection, TaskStateSchema } from "@sluice/client/contract";
import { SluiceError } from "../../core/errors.ts";
import { MAX_AUDIT_IDS, MAX_AUDIT_TEXT_LENGTH } from "../limits.ts";
import type { Caller, UnaryAnswer } from "../method.ts";
import type { RpcLogger } from "../status.ts";

/** What can be done, by the names that stand in the log. */
export type OperatorAction =
  | "queue.pause"
  | "queue.resume"
  | "queue.set"
  | "analyzer.weight"
  | "analyzer.drain"
  | "node.drain"
  | "tasks.cancel"
  | "tasks.retry"
  | "tasks.purge";

type Fields = Readonly<Record<string, unknown>>;

/** What is said of an action besides who did it. */
export interface AuditEntry<I extends DescMessage, O extends DescMessage> {
  readonly action: OperatorAction;
  /** What it was done to. */
  target(request: MessageShape<I>): Fields;
  /** What came of it. */
  effect?(response: MessageInitShape<O>): Fields;
}

/** The same answer, with a line in the log. */
export function audited<I extends DescMessage, O extends DescMessage>(
  logger: RpcLogger,
  { action, target, effect }: AuditEntry<I, O>,
  answer: UnaryAnswer<I, O>,
): UnaryAnswer<I, O> {
  return async (request, caller) => {
    const about = { event: "operator.action", action, ...target(request), ...who(caller) } as const;
    try {
      const response = await answer(request, caller);
      logger.info({ ...about, outcome: "OK", ...effect?.(response) }, `an operator did ${action}`);
      return response;
    } catch (error) {
      const { code, message } =
        error instanceof SluiceError ? error : new SluiceError("INTERNAL", "the node failed to do it");
      logger.warn({ ...about, outcome: code, reason: message }, `an operator was refused ${action}`);
      throw error;
    }
  };
}

function who({ via, peer, agent, operator }: Caller): Fields {
  return {
    via,
    peer,
    ...(agent === "" ? {} : { agent: agent.slice(0, MAX_AUDIT_TEXT_LENGTH) }),
    ...(operator === "" ? {} : { operator: operator.slice(0, MAX_AUDIT_TEXT_LENGTH) }),
  };
}

/** The tasks that an action is about. Values of attributes are left out: they may be secrets. */
export function selectionFields(selection: TaskSelection | undefined): Fields {
  const { ids = [], filter } = selection ?? {};
  if (filter === undefined) return { ids: ids.slice(0, MAX_AUDIT_IDS), tasks: ids.length };
  return {
    queue: filter.queue,
    ...(filter.states.length === 0
      ? {}
      : { states: filter.states.map((state) => TaskStateSchema.value[state]?.localName ?? state) }),
    ...(filter.type === "" ? {} : { type: filter.type.slice(0, MAX_AUDIT_TEXT_LENGTH) }),
    ...(Object.keys(filter.attributes).length === 0 ? {} : { attributes: Object.keys(filter.attributes) }),
  };
}

/** The settings that are to change. */
export function settingsFields(settings: MessageShape<typeof QueueSettingsSchema> | undefined): Fields {
  return { settings: settings === undefined ? {} : toJson(QueueSettingsSchema, settings) };
}
