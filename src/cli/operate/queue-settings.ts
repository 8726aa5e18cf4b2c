/** Options of `sluice queues set`, and the settings that they become. */
import type { QueueSettingsInput } from "@sluice/client";
import type { QueueSettings } from "@sluice/client/contract";
import { type Command, InvalidArgumentError } from "commander";
import { durationMs, wholeNumber } from "../commands/options.ts";
import { formatBytes, formatCount, formatDuration } from "../output/figures.ts";
import { parseBytes, parseNumber } from "../quantity.ts";

/** The options that `addQueueSettings` adds, as read. */
export interface QueueSettingsOptions {
  readonly paused?: boolean;
  readonly maxLag?: number;
  readonly maxLead?: number;
  readonly hold?: number;
  readonly maxWaiting?: number;
  readonly maxWaitingBytes?: number;
  readonly retention?: number;
  readonly retentionCount?: number;
  readonly deadRetention?: number;
  readonly deadRetentionCount?: number;
}

/** What a uint32 of the contract holds. */
const MAX_COUNT = 4_294_967_295;

/** Adds the options. */
export function addQueueSettings(command: Command): Command {
  return command
    .option("--paused <yes|no>", "yes: no deliveries; as 'queues pause' and 'queues resume' (default: no)", yesNo)
    .option("--max-lag <tasks>", "most tasks that an analyzer which returns is owed (default: 100)", tasks)
    .option(
      "--max-lead <tasks>",
      "most tasks that an analyzer may be ahead of its share; 0 = no limit, the default",
      tasks,
    )
    .option(
      "--hold <duration>",
      "with --max-lead: wait for an analyzer without credit this long (default: 1s)",
      durationMs,
    )
    .option("--max-waiting <n>", "most tasks that have not ended (default: 20000000)", wholeNumber(0, MAX_COUNT))
    .option("--max-waiting-bytes <size>", "most bytes of these (default: 16GiB)", bytes)
    .option("--retention <duration>", "how long completed and cancelled tasks are kept (default: 1d)", durationMs)
    .option("--retention-count <n>", "how many of them are kept (default: 200000)", wholeNumber(0, MAX_COUNT))
    .option("--dead-retention <duration>", "how long dead letters are kept (default: 30d)", durationMs)
    .option("--dead-retention-count <n>", "how many of them are kept (default: 200000)", wholeNumber(0, MAX_COUNT));
}

/** The settings to change. */
export function queueSettingsInput(options: QueueSettingsOptions): QueueSettingsInput {
  const { paused, maxLag, maxLead, hold, maxWaiting, maxWaitingBytes } = options;
  const { retention, retentionCount, deadRetention, deadRetentionCount } = options;
  return {
    ...(paused === undefined ? {} : { paused }),
    ...(maxLag === undefined ? {} : { maxLag }),
    ...(maxLead === undefined ? {} : { maxLead }),
    ...(hold === undefined ? {} : { holdMs: hold }),
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
    ...(maxWaitingBytes === undefined ? {} : { maxWaitingBytes }),
    ...(retention === undefined ? {} : { retentionMs: retention }),
    ...(retentionCount === undefined ? {} : { retentionCount }),
    ...(deadRetention === undefined ? {} : { deadRetentionMs: deadRetention }),
    ...(deadRetentionCount === undefined ? {} : { deadRetentionCount }),
  };
}

/** Settings as names and values for people. */
export function settingsPairs(settings: QueueSettings): [name: string, value: string][] {
  const kept = (ms = 0, count = 0): string => `${formatDuration(ms)}, at most ${formatCount(count)}`;
  return [
    ["paused", settings.paused === true ? "yes" : "no"],
    ["max lag", `${formatCount(settings.maxLag ?? 0)} tasks`],
    ["max lead", (settings.maxLead ?? 0) === 0 ? "no limit" : `${settings.maxLead} tasks`],
    ["hold", `${formatDuration(settings.holdMs ?? 0)}, counts with a max lead only`],
    ["max waiting", `${formatCount(settings.maxWaiting ?? 0)} tasks, ${formatBytes(settings.maxWaitingBytes ?? 0)}`],
    ["kept when ended", kept(settings.retentionMs, settings.retentionCount)],
    ["kept dead letters", kept(settings.deadRetentionMs, settings.deadRetentionCount)],
  ];
}

function yesNo(text: string): boolean {
  if (text === "yes" || text === "no") return text === "yes";
  throw new InvalidArgumentError("Expected yes or no.");
}

function tasks(text: string): number {
  const value = parseNumber(text);
  if (value === undefined || value < 0) throw new InvalidArgumentError("Expected a number of tasks, 0 or more.");
  return value;
}

function bytes(text: string): number {
  const value = parseBytes(text);
  if (value === undefined) throw new InvalidArgumentError("Expected a size such as 64MiB or 16GiB.");
  return value;
}
