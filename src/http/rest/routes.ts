/**
 * The plain REST face: the usual things as people type them. Each route asks a method of the contract and shows its answer.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  AdminService,
  DistributorService,
  type Task,
  TaskService,
  type TaskSpecSchema,
  TaskState,
} from "@sluice/client/contract";
import type { z } from "zod";
import { SluiceError } from "../../core/errors.ts";
import type { Caller } from "../../rpc/method.ts";
import { json } from "../answers.ts";
import type { Calls } from "../calls.ts";
import { contentOf } from "./payload.ts";
import { type Route, readBody, readQuery } from "./route.ts";
import { Cancelled, ListQuery, Retried, Stats, SubmitBody, Submitted, TaskList, TaskShape, Workers } from "./shapes.ts";
import { stateName, statsView, taskView, workerView } from "./views.ts";

/** The routes of a node. */
export function restRoutes(calls: Calls): readonly Route[] {
  return [submit(calls), getTask(calls), listTasks(calls), retryTask(calls), cancelTask(calls), ...figures(calls)];
}

function submit(calls: Calls): Route {
  return {
    verb: "POST",
    path: "/tasks",
    operation: "submitTask",
    summary: "Submits a task. It is on disk when the answer comes.",
    body: SubmitBody,
    answers: {
      201: { description: "accepted", schema: Submitted },
      200: { description: "the same task had been accepted before; nothing was added", schema: Submitted },
    },
    answer: async (request) => {
      const task = specOf(readBody(SubmitBody, request));
      const { id, duplicate } = await calls.call(DistributorService.method.submit, { task }, request.caller);
      return json(duplicate ? 200 : 201, { id, duplicate }, { location: `/tasks/${id}` });
    },
  };
}

function specOf(body: z.infer<typeof SubmitBody>): MessageInitShape<typeof TaskSpecSchema> {
  const { payload, payloadText, payloadBase64, contentType, delayMs, notBefore, retry, ...rest } = body;
  if (delayMs !== undefined && notBefore !== undefined) {
    throw new SluiceError("INVALID_ARGUMENT", "give one of delayMs and notBefore");
  }
  const forms = { json: payload, text: payloadText, base64: payloadBase64 };
  const content = contentOf(withoutUndefined(forms), contentType);
  return {
    ...withoutUndefined(rest),
    payload: content.bytes,
    contentType: content.contentType,
    ...(retry === undefined ? {} : { retry: withoutUndefined(retry) }),
    ...(delayMs === undefined ? {} : { start: { case: "delayMs", value: delayMs } }),
    ...(notBefore === undefined ? {} : { start: { case: "notBefore", value: timestampFromDate(new Date(notBefore)) } }),
  };
}

function getTask(calls: Calls): Route {
  return {
    verb: "GET",
    path: "/tasks/{id}",
    operation: "getTask",
    summary: "Shows one task with its history and, once it has completed, its result.",
    answers: { 200: { description: "the task", schema: TaskShape } },
    answer: async ({ caller }, id) => json(200, taskView(await lookUp(calls, id, caller))),
  };
}

function listTasks(calls: Calls): Route {
  return {
    verb: "GET",
    path: "/tasks",
    operation: "listTasks",
    summary: "Lists tasks a page at a time, without payloads.",
    query: ListQuery,
    answers: { 200: { description: "a page", schema: TaskList } },
    answer: async (request) => {
      const { queue = "", state = "", type = "", limit, cursor = "", newest } = readQuery(ListQuery, request);
      const page = await calls.call(
        TaskService.method.listTasks,
        {
          filter: { queue, type, states: statesOf(state) },
          pageSize: Number(limit ?? 0),
          pageToken: cursor,
          newestFirst: newest === "true",
          summary: true,
        },
        request.caller,
      );
      const tasks = page.tasks.map(taskView);
      return json(200, page.nextPageToken === "" ? { tasks } : { tasks, nextCursor: page.nextPageToken });
    },
  };
}

function statesOf(text: string): TaskState[] {
  const known = new Map<string, TaskState>(Object.entries(TaskState).filter(([name]) => name !== "UNSPECIFIED"));
  const names = text.split(",").filter((name) => name.trim() !== "");
  return names.map((name) => {
    const state = known.get(name.trim().toUpperCase());
    if (state !== undefined) return state;
    const all = [...known.keys()].map((each) => each.toLowerCase()).join(", ");
    throw new SluiceError("INVALID_ARGUMENT", `state: ${name.trim()} is none of ${all}`);
  });
}

function retryTask(calls: Calls): Route {
  return {
    verb: "POST",
    path: "/tasks/{id}/retry",
    operation: "retryTask",
    summary: "Puts a dead letter (FAILED) or a cancelled task back to its place, with fresh attempts.",
    answers: { 200: { description: "it waits again", schema: Retried } },
    answer: async ({ caller }, id) => {
      const { retried } = await calls.call(TaskService.method.retryTasks, { selection: { ids: [id] } }, caller);
      if (retried > 0) return json(200, { id, state: "PENDING" });
      const state = stateName((await lookUp(calls, id, caller)).state);
      throw new SluiceError(
        "FAILED_PRECONDITION",
        `task ${id} is ${state}: only FAILED and CANCELLED ones can be retried`,
      );
    },
  };
}

function cancelTask(calls: Calls): Route {
  return {
    verb: "DELETE",
    path: "/tasks/{id}",
    operation: "cancelTask",
    summary: "Cancels a task: a waiting one at once, a running one when its analyzer has stopped.",
    answers: {
      200: { description: "cancelled", schema: Cancelled },
      202: { description: "its analyzer was asked to stop", schema: Cancelled },
    },
    answer: async ({ caller }, id) => {
      const selection = { ids: [id] };
      const { cancelled, requested } = await calls.call(TaskService.method.cancelTasks, { selection }, caller);
      if (cancelled > 0) return json(200, { id, state: "CANCELLED" });
      if (requested > 0) return json(202, { id, state: "RUNNING" });
      const state = stateName((await lookUp(calls, id, caller)).state);
      throw new SluiceError("FAILED_PRECONDITION", `task ${id} has ended already: it is ${state}`);
    },
  };
}

function figures(calls: Calls): Route[] {
  const { getStats, listAnalyzers } = AdminService.method;
  return [
    {
      verb: "GET",
      path: "/workers",
      operation: "listWorkers",
      summary: "Lists the analyzers that are attached or were lately.",
      answers: { 200: { description: "the analyzers", schema: Workers } },
      answer: async ({ caller }) => {
        const { analyzers } = await calls.call(listAnalyzers, {}, caller);
        return json(200, { workers: analyzers.map(workerView) });
      },
    },
    {
      verb: "GET",
      path: "/stats",
      operation: "getStats",
      summary: "Shows the figures of the node and its queues, in short.",
      answers: { 200: { description: "the figures", schema: Stats } },
      answer: async ({ caller }) => json(200, statsView(await calls.call(getStats, {}, caller))),
    },
  ];
}

/** NOT_FOUND when there is none. */
async function lookUp(calls: Calls, id: string, caller: Caller): Promise<Task> {
  const { task } = await calls.call(TaskService.method.getTask, { id }, caller);
  if (task === undefined) throw new Error(`no task in the answer for ${id}`);
  return task;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same without fields that are undefined: a field that is there counts as set in the contract. */
function withoutUndefined<T extends object>(fields: T): Defined<T>;
function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
