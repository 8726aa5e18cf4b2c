/** Options that say which tasks, and the filter that they become. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { TaskSelection } from "@sluice/client";
import { type TaskFilterSchema, TaskState } from "@sluice/client/contract";
import { type Command, InvalidArgumentError } from "commander";
import { durationMs, keyValue } from "../commands/options.ts";
import { UsageError } from "../exit.ts";
import { didYouMean } from "../nearest.ts";

/** The options that `addFilterOptions` adds, as read. */
export interface FilterOptions {
  readonly queue?: string;
  readonly state?: readonly TaskState[];
  readonly type?: string;
  readonly attribute?: Record<string, string>;
  readonly since?: number;
  readonly before?: number;
}

const STATES: ReadonlyMap<string, TaskState> = new Map([
  ["pending", TaskState.PENDING],
  ["scheduled", TaskState.SCHEDULED],
  ["running", TaskState.RUNNING],
  ["retrying", TaskState.RETRYING],
  ["completed", TaskState.COMPLETED],
  ["failed", TaskState.FAILED],
  ["cancelled", TaskState.CANCELLED],
]);

/** Adds the options. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--queue <name>", "tasks of this queue")
    .option("--state <names>", `tasks in these states: ${[...STATES.keys()].join(", ")}`, states)
    .option("--type <name>", "tasks of this type")
    .option("--attribute <key=value>", "tasks with this attribute; may be repeated", keyValue)
    .option("--since <duration>", "tasks submitted at most this long ago, such as 2h", durationMs)
    .option("--before <duration>", "tasks submitted at least this long ago", durationMs);
}

/** Name of a state, as people write it. */
export function stateName(state: TaskState): string {
  for (const [name, value] of STATES) if (value === state) return name;
  return "unknown";
}

/**
 * The filter that the options ask for.
 * @param nowMs wall clock, milliseconds since 1970
 */
export function taskFilter(options: FilterOptions, nowMs: number): MessageInitShape<typeof TaskFilterSchema> {
  const { queue, state, type, attribute, since, before } = options;
  return {
    queue: queue ?? "",
    states: [...(state ?? [])],
    type: type ?? "",
    attributes: attribute ?? {},
    ...(since === undefined ? {} : { submittedFrom: timestampFromMs(nowMs - since) }),
    ...(before === undefined ? {} : { submittedUntil: timestampFromMs(nowMs - before) }),
  };
}

/**
 * The tasks named by id, or else by the filter. UsageError when both or neither are given, or a state that the operation
 * cannot change anything of.
 * @param possible states that the operation works on
 */
export function taskSelection(
  ids: readonly string[],
  options: FilterOptions,
  nowMs: number,
  possible: readonly TaskState[],
): TaskSelection {
  const { queue, state, type, attribute, since, before } = options;
  const isFiltered = [queue, state, type, attribute, since, before].some((each) => each !== undefined);
  if (ids.length > 0 && isFiltered) throw new UsageError("name tasks by id or by filter, not both");
  if (ids.length > 0) return { ids };
  if (queue === undefined) throw new UsageError("name the tasks: by id, or with --queue and further filters");
  const impossible = state?.find((each) => !possible.includes(each));
  if (impossible !== undefined) {
    const names = possible.map(stateName).join(", ");
    throw new UsageError(`nothing can be done here with ${stateName(impossible)} tasks: only with ${names}`);
  }
  return { filter: taskFilter(options, nowMs) };
}

function states(text: string, before: readonly TaskState[] = []): TaskState[] {
  const named = text.split(",").map((each) => {
    const name = each.trim().toLowerCase();
    const state = STATES.get(name);
    if (state === undefined) {
      throw new InvalidArgumentError(`There is no state '${name}'${didYouMean(name, STATES.keys()) || "."}`);
    }
    return state;
  });
  return [...before, ...named];
}
