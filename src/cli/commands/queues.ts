/** `sluice queues`: looks at queues and sets them. */
import { toJson } from "@bufbuild/protobuf";
import { type GetScalingResponse, GetScalingResponseSchema, type Queue, QueueSchema } from "@sluice/client/contract";
import { Command } from "commander";
import { type AddressOptions, addAddressOption } from "../client/address.ts";
import { withAdmin } from "../client/with-admin.ts";
import { UsageError } from "../exit.ts";
import {
  addQueueSettings,
  type QueueSettingsOptions,
  queueSettingsInput,
  settingsPairs,
} from "../operate/queue-settings.ts";
import { formatCount, formatDuration } from "../output/figures.ts";
import { formatPairs, formatTable, numberColumn, textColumn } from "../output/table.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { timerMs } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice queues list
  sluice queues pause mail                        submits go on, deliveries stop
  sluice queues set logs --max-lead 1             the exact share also for analyzers of different speed
  sluice queues set logs --retention 1h --retention-count 10000
  sluice queues scaling logs --target-wait 5s     how many analyzers would keep waits below 5 s`;

interface Options extends AddressOptions {
  readonly json?: true;
}

/** Makes the command. */
export function queuesCommand(terminal: Terminal): Command {
  return new Command("queues")
    .summary("look at queues; pause, resume, set them; how many analyzers they want")
    .description("Looks at queues and sets them. Settings are durable.")
    .addHelpText("after", EXAMPLES)
    .addCommand(listCommand(terminal))
    .addCommand(pauseCommand(terminal))
    .addCommand(resumeCommand(terminal))
    .addCommand(setCommand(terminal))
    .addCommand(scalingCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("list"))
    .description("Lists the queues.")
    .option("--json", "print JSON")
    .action(async (options: Options) => {
      const queues = await withAdmin(options, terminal, (admin) => admin.queues());
      if (options.json) printLine(terminal, JSON.stringify(queues.map(queueJson), undefined, 2));
      else for (const line of queueTable(queues)) printLine(terminal, line);
      if (queues.length === 0) printNotice(terminal, "no queues yet: the first submit or analyzer creates one");
    });
}

function pauseCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("pause"))
    .description("Stops deliveries from a queue; submits go on.")
    .argument("<queue>", "name of the queue")
    .option("--json", "print JSON")
    .action(async (name: string, options: Options) => {
      printQueue(await withAdmin(options, terminal, (admin) => admin.pauseQueue(name)), options, terminal);
    });
}

function resumeCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("resume"))
    .description("Lets deliveries from a queue go on.")
    .argument("<queue>", "name of the queue")
    .option("--json", "print JSON")
    .action(async (name: string, options: Options) => {
      printQueue(await withAdmin(options, terminal, (admin) => admin.resumeQueue(name)), options, terminal);
    });
}

function setCommand(terminal: Terminal): Command {
  return addQueueSettings(addAddressOption(new Command("set")))
    .description("Changes settings of a queue; what is not given stays as it is. Creates the queue.")
    .argument("<queue>", "name of the queue")
    .option("--json", "print JSON")
    .action(async (name: string, options: Options & QueueSettingsOptions) => {
      const settings = queueSettingsInput(options);
      if (Object.keys(settings).length === 0) throw new UsageError("say what to set, such as --max-lead 1");
      printQueue(await withAdmin(options, terminal, (admin) => admin.setQueue(name, settings)), options, terminal);
    });
}

function scalingCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("scaling"))
    .description("Shows how much work a queue has and how many analyzers it wants.")
    .argument("<queue>", "name of the queue")
    .option("--target-wait <duration>", "how long a task may wait (default: 30s)", timerMs, 0)
    .option("--json", "print JSON")
    .action(async (name: string, options: Options & { readonly targetWait: number }) => {
      const scaling = await withAdmin(options, terminal, (admin) => admin.scaling(name, options.targetWait));
      const lines = options.json
        ? [JSON.stringify(toJson(GetScalingResponseSchema, scaling, { alwaysEmitImplicit: true }), undefined, 2)]
        : formatPairs(scalingPairs(scaling));
      for (const line of lines) printLine(terminal, line);
    });
}

function scalingPairs(scaling: GetScalingResponse): [name: string, value: string][] {
  const { analyzerRate, runMs } = scaling;
  const unknown = "not known before something has run";
  return [
    ["queue", scaling.queue],
    ["waiting", formatCount(scaling.waiting)],
    ["running", formatCount(scaling.running)],
    ["arriving", `${scaling.arrivalRate.toFixed(1)}/s`],
    ["done", `${scaling.serviceRate.toFixed(1)}/s`],
    ["run time", runMs > 0 ? formatDuration(runMs) : unknown],
    ["one analyzer", analyzerRate > 0 ? `${analyzerRate.toFixed(1)}/s` : unknown],
    ["analyzers", formatCount(scaling.analyzers)],
    ["wanted", `${formatCount(scaling.analyzersWanted)} for a wait of ${formatDuration(scaling.targetWaitMs)}`],
  ];
}

function queueTable(queues: readonly Queue[]): string[] {
  return formatTable(
    [
      textColumn("QUEUE"),
      ...["PENDING", "RUNNING", "SCHEDULED", "RETRYING", "COMPLETED", "FAILED", "HEAD WAITS", "ANALYZERS"].map(
        numberColumn,
      ),
      textColumn("STATE"),
    ],
    queues.map(({ name, counts, headWaitMs, shares, settings }) => [
      name,
      formatCount(counts?.pending ?? 0),
      formatCount(counts?.running ?? 0),
      formatCount(counts?.scheduled ?? 0),
      formatCount(counts?.retrying ?? 0),
      formatCount(counts?.completed ?? 0),
      formatCount(counts?.failed ?? 0),
      formatDuration(headWaitMs),
      formatCount(shares.length),
      settings?.paused === true ? "paused" : "open",
    ]),
  );
}

function printQueue(queue: Queue, options: Options, terminal: Terminal): void {
  if (options.json) {
    printLine(terminal, JSON.stringify(queueJson(queue), undefined, 2));
    return;
  }
  const settings = queue.settings === undefined ? [] : settingsPairs(queue.settings);
  for (const line of formatPairs([["queue", queue.name], ...settings])) printLine(terminal, line);
}

function queueJson(queue: Queue): unknown {
  return toJson(QueueSchema, queue, { alwaysEmitImplicit: true });
}
