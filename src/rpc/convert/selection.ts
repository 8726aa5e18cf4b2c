/**
 * Filters and selections of tasks from the contract to the domain, checked.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type TaskFilter as FilterMessage,
  type TaskSelection as SelectionMessage,
  TaskState as StateNumber,
} from "@sluice/client/contract";
import {
  MAX_ATTRIBUTES,
  MAX_LABEL_BYTES,
  MAX_OPERATION_TASKS,
  MAX_PAGE_SIZE,
  MAX_SELECTION_IDS,
} from "../../core/limits.ts";
import type { TaskState } from "../../core/task.ts";
import type { Selection } from "../../engine/api.ts";
import type { TaskFilter } from "../../store/port.ts";
import { checkCount, checkId, checkName, invalid } from "../wire/checks.ts";

const DEFAULT_PAGE_SIZE = 50;
const DEFAULT_OPERATION_TASKS = 1000;
const STATES: readonly TaskState[] = [
  "PENDING",
  "SCHEDULED",
  "RUNNING",
  "RETRYING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
];

/** A filter; unset means every task. Throws SluiceError. */
export function filterOf(message: FilterMessage | undefined): TaskFilter {
  if (message === undefined) return {};
  const { queue, states, type, attributes, submittedFrom, submittedUntil } = message;
  if (queue !== "") checkName(queue, "filter.queue");
  if (Buffer.byteLength(type) > MAX_LABEL_BYTES) throw invalid(`filter.type may have at most ${MAX_LABEL_BYTES} bytes`);
  checkCount(Object.keys(attributes).length, MAX_ATTRIBUTES, "filter.attributes");
  return {
    states: statesOf(states),
    attributes,
    ...(queue === "" ? {} : { queue }),
    ...(type === "" ? {} : { type }),
    ...(submittedFrom === undefined ? {} : { fromMs: timestampMs(submittedFrom) }),
    ...(submittedUntil === undefined ? {} : { untilMs: timestampMs(submittedUntil) }),
  };
}

/** Each state once; none means every state, and so does UNSPECIFIED. */
function statesOf(numbers: readonly number[]): TaskState[] {
  const wanted = new Set(numbers);
  const unknown = [...wanted].find((number) => number < 0 || number > STATES.length);
  if (unknown !== undefined) throw invalid(`filter.states has ${unknown}, which is no state`);
  if (wanted.has(StateNumber.UNSPECIFIED)) return [];
  return STATES.filter((state) => wanted.has(StateNumber[state]));
}

/** Ids of tasks. Throws SluiceError. */
export function idsOf(ids: readonly string[], field: string): readonly string[] {
  checkCount(ids.length, MAX_SELECTION_IDS, field);
  for (const id of ids) checkId(id, field);
  return ids;
}

/** What an operation applies to. Throws SluiceError. */
export function selectionOf(message: SelectionMessage | undefined, limit: number): Selection {
  const { ids = [], filter } = message ?? {};
  if (ids.length > 0) {
    if (filter !== undefined) throw invalid("selection may have ids or a filter, not both");
    return { ids: idsOf(ids, "selection.ids") };
  }
  if (filter === undefined) throw invalid("selection must have ids or a filter");
  if (filter.queue === "") throw invalid("selection.filter must name a queue");
  return {
    filter: { ...filterOf(filter), queue: filter.queue },
    limit: Math.min(limit === 0 ? DEFAULT_OPERATION_TASKS : limit, MAX_OPERATION_TASKS),
  };
}

/** Tasks per page. */
export function pageSizeOf(size: number): number {
  return Math.min(size === 0 ? DEFAULT_PAGE_SIZE : size, MAX_PAGE_SIZE);
}
