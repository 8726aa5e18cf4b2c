/** `sluice top`: a live view of a node. */
import { Command, InvalidArgumentError } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { stopRequested } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { runTop } from "../top/run.ts";
import { durationMs } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice top                                      the whole screen, drawn again every second; q ends it
  sluice top --queue logs --interval 500ms
  sluice top --once                               one view, for a ticket or a log
  sluice top --json | jq '.rates.logs.completed'  a line of JSON every second

IN/S and OUT/S are the tasks submitted and completed per second since the last view. In a bar, # shows the share that an
analyzer lately had and | where its weight says that it should end; LEAD is how many tasks it is ahead of its share. A node
that goes away is waited for. Where the output is no terminal, or with --once, one view is printed an interval after the
start, since rates need two looks.`;

const DEFAULT_INTERVAL_MS = 1000;
const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;

interface Options extends AddressOptions {
  readonly queue?: string;
  readonly interval?: number;
  readonly once?: true;
  readonly json?: true;
}

/** Makes the command. */
export function topCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("top"))
    .summary("watch queues, analyzers and shares live")
    .description("Shows queues, analyzers, shares and rates of a node on the whole screen, again and again.")
    .option("--queue <name>", "only this queue")
    .option("--interval <duration>", "time between two views, 100ms to 1h (default: 1s)", interval)
    .option("--once", "print one view and end")
    .option("--json", "print a line of JSON per interval; with --once a single one")
    .addHelpText("after", EXAMPLES)
    .action((options: Options) => top(options, terminal));
}

async function top(options: Options, terminal: Terminal): Promise<void> {
  const stop = new AbortController();
  stopRequested().then(
    () => stop.abort(),
    () => {},
  );
  const json = options.json === true;
  await runTop(
    {
      addresses: nodeAddresses(options, terminal),
      queue: options.queue,
      intervalMs: options.interval ?? DEFAULT_INTERVAL_MS,
      once: options.once === true || !(json || terminal.out.isTerminal),
      json,
      signal: stop.signal,
    },
    terminal,
  );
}

function interval(text: string): number {
  const value = durationMs(text);
  if (value >= MIN_INTERVAL_MS && value <= MAX_INTERVAL_MS) return value;
  throw new InvalidArgumentError("Expected 100ms to 1h.");
}
