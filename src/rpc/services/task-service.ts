/**
 * `sluice.v1.TaskService`: tasks looked up, waited for and operated on.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ListTasksRequest,
  type ListTasksResponseSchema,
  type TaskSelection,
  TaskService,
  TaskState,
} from "@sluice/client/contract";
import { SluiceError } from "../../core/errors.ts";
import type { Distributor, LiveTask } from "../../engine/api.ts";
import { filterOf, idsOf, pageSizeOf, selectionOf } from "../convert/selection.ts";
import { type TaskDetail, taskBytes, taskMessage } from "../convert/task.ts";
import { MAX_PAGE_BYTES, MAX_PAGE_TOKEN_BYTES } from "../limits.ts";
import { type Method, serverStream, unary } from "../method.ts";
import type { RpcLogger } from "../status.ts";
import { checkId, invalid } from "../wire/checks.ts";
import { audited, selectionFields } from "./audit.ts";
import { WaitStream } from "./wait-stream.ts";

/** What the service needs. */
export interface TaskParts {
  readonly distributor: Distributor;
  readonly logger: RpcLogger;
}

const WHOLE: TaskDetail = { summary: false };

/** The methods. */
export function taskMethods(parts: TaskParts): Method[] {
  return [...lookups(parts), ...operations(parts)];
}

function lookups({ distributor }: TaskParts): Method[] {
  const { method } = TaskService;
  return [
    unary(method.getTask, async ({ id }) => {
      checkId(id, "id");
      const task = await distributor.get(id);
      if (task === undefined) {
        throw new SluiceError("NOT_FOUND", `no task ${id}: it was never accepted, or its retention has ended`);
      }
      return { task: taskMessage(task, WHOLE) };
    }),
    unary(method.listTasks, (request) => listTasks(request, distributor)),
    serverStream(method.waitTasks, (request, stream, encode) => {
      const ids = idsOf(request.ids, "ids");
      if (ids.length === 0) throw invalid("ids must name at least one task");
      return new WaitStream(ids, stream, {
        distributor,
        encode: (id, task) => encode(task === undefined ? { id } : { id, task: taskMessage(task, WHOLE) }),
      });
    }),
    unary(method.explainTask, async ({ id }) => {
      checkId(id, "id");
      const { state, reasons } = await distributor.explainTask(id);
      return { state: TaskState[state], reasons: [...reasons] };
    }),
  ];
}

function operations({ distributor, logger }: TaskParts): Method[] {
  const { method } = TaskService;
  const target = ({ selection }: { readonly selection?: TaskSelection | undefined }) => selectionFields(selection);
  return [
    unary(
      method.cancelTasks,
      audited(
        logger,
        {
          action: "tasks.cancel",
          target,
          effect: ({ cancelled, requested, skipped }) => ({ cancelled, requested, skipped }),
        },
        async ({ selection, limit }) => {
          const { done, requested, skipped, more } = await distributor.cancel(selectionOf(selection, limit));
          return { cancelled: done, requested, skipped, more };
        },
      ),
    ),
    unary(
      method.retryTasks,
      audited(
        logger,
        { action: "tasks.retry", target, effect: ({ retried, skipped }) => ({ retried, skipped }) },
        async ({ selection, limit, ratePerSecond }) => {
          const { done, skipped, more } = await distributor.retry(selectionOf(selection, limit), ratePerSecond);
          return { retried: done, skipped, more };
        },
      ),
    ),
    unary(
      method.purgeTasks,
      audited(
        logger,
        { action: "tasks.purge", target, effect: ({ purged, skipped }) => ({ purged, skipped }) },
        async ({ selection, limit }) => {
          const { done, skipped, more } = await distributor.purge(selectionOf(selection, limit));
          return { purged: done, skipped, more };
        },
      ),
    ),
  ];
}

/** A page, shorter than asked for if its tasks are large. */
async function listTasks(
  request: ListTasksRequest,
  distributor: Distributor,
): Promise<MessageInitShape<typeof ListTasksResponseSchema>> {
  const { filter, pageToken, newestFirst, summary } = request;
  if (pageToken.length > MAX_PAGE_TOKEN_BYTES)
    throw invalid("page_token is not one of this list: start again without it");
  const query = { filter: filterOf(filter), newestFirst, ...(pageToken === "" ? {} : { cursor: pageToken }) };
  const detail = { summary };
  let limit = pageSizeOf(request.pageSize);
  while (true) {
    const page = await distributor.list({ ...query, limit });
    const fitting = countFitting(page.tasks, detail);
    if (fitting === page.tasks.length) {
      return { tasks: page.tasks.map((task) => taskMessage(task, detail)), nextPageToken: page.cursor ?? "" };
    }
    // Only the store can say where the next page begins, so it is asked for a page that ends here.
    limit = fitting;
  }
}

/** How many of the first tasks fit into an answer: at least one. */
function countFitting(tasks: readonly LiveTask[], detail: TaskDetail): number {
  let bytes = 0;
  const cut = tasks.findIndex((task, index) => {
    bytes += taskBytes(task, detail);
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return cut === -1 ? tasks.length : cut;
}
