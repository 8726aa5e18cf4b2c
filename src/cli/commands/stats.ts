/** `sluice stats`: the figures of a node. */
import { toJson } from "@bufbuild/protobuf";
import { Admin } from "@sluice/client";
import { type GetStatsResponse, GetStatsResponseSchema } from "@sluice/client/contract";
import { Command } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { answered } from "../client/errors.ts";
import { stopRequested } from "../signals.ts";
import { printReport, reportPrinter, watchStats } from "../stats/watch.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { durationMs } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice stats                                    queues, and who gets what
  sluice stats --queue logs --watch               again every second, with rates
  sluice stats --json | jq '.queues[].counts'
  sluice stats --watch --interval 5s --json       a line of JSON every 5 seconds

EXPECTED is an analyzer's weight over the sum of weights, OBSERVED its part of the lately delivered tasks, LEAD how many
tasks it is ahead of its share.`;

interface Options extends AddressOptions {
  readonly queue?: string;
  readonly watch?: true;
  readonly interval?: number;
  readonly json?: true;
}

/** Makes the command. */
export function statsCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("stats"))
    .summary("show queues, analyzers and shares")
    .description("Shows the figures of a node: its queues, its analyzers, and who gets what.")
    .option("--queue <name>", "only this queue")
    .option("--watch", "show them again and again, until Ctrl-C")
    .option("--interval <duration>", "with --watch: time between two looks, 100ms to 60s (default: 1s)", durationMs)
    .option("--json", "print JSON; with --watch a line each")
    .addHelpText("after", EXAMPLES)
    .action((options: Options) => stats(options, terminal));
}

async function stats(options: Options, terminal: Terminal): Promise<void> {
  const addresses = nodeAddresses(options, terminal);
  const { queue, interval } = options;
  await using admin = new Admin({ address: addresses });
  if (options.watch === undefined) {
    const figures = await answered(admin.stats(queue), addresses);
    if (options.json) printLine(terminal, statsJson(figures, 2));
    else printReport(figures, terminal);
    noteUnknownQueue(figures, queue, terminal);
    return;
  }
  const stop = new AbortController();
  stopRequested().then(
    () => stop.abort(),
    () => {},
  );
  const settings = { addresses, queue, intervalMs: interval, signal: stop.signal };
  const show = options.json
    ? (figures: GetStatsResponse) => printLine(terminal, statsJson(figures, 0))
    : reportPrinter(terminal);
  await answered(watchStats(admin, settings, terminal, show), addresses);
}

/** Figures of one queue are empty when there is none of that name: probably a slip. */
function noteUnknownQueue(figures: GetStatsResponse, queue: string | undefined, terminal: Terminal): void {
  if (queue === undefined || figures.queues.length > 0) return;
  printNotice(terminal, `there is no queue ${queue}: 'sluice queues list' shows those that there are`);
}

/** Also what is zero, so that programs find every field. */
function statsJson(figures: GetStatsResponse, indent: number): string {
  return JSON.stringify(toJson(GetStatsResponseSchema, figures, { alwaysEmitImplicit: true }), undefined, indent);
}
