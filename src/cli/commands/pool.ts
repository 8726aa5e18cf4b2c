/** `sluice pool`: as many analyzers as a queue wants, as supervised processes on this machine. */
import { Command, Option } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { CommandError, ExitStatus, UsageError } from "../exit.ts";
import { formatDuration } from "../output/figures.ts";
import { requestScale, requestStatus } from "../pool/control-client.ts";
import { runPool } from "../pool/run.ts";
import { runtimeDirectory, socketPath, socketPaths } from "../pool/runtime-directory.ts";
import { type PoolStatus, poolReport } from "../pool/status.ts";
import { stopRequested } from "../signals.ts";
import { printLine, type Terminal } from "../terminal.ts";
import { timerMs, weight, wholeNumber } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice pool --queue logs --min 1 --max 8 --exec './analyse.sh'
  sluice pool --queue mail --max 4 --concurrency 20 --handlers ./handlers.js --target-wait 5s
  sluice pool status
  sluice pool scale logs 3                        three, whatever the queue wants
  sluice pool scale logs auto                     again as many as it wants

Each analyzer is a process of its own, started as 'sluice work'. The node says how many the queue wants (see 'sluice queues
scaling'): more are started at once, fewer are drained when fewer were wanted for the whole --cool-down. One that ends
unasked is started again after 1 s, 2 s, 4 s ... up to a minute; after three times in a row the status says 'crash loop'.

SIGTERM or SIGINT drains all analyzers and ends with status 0; a second one ends them at once.`;

/** Most analyzers of a pool. */
const MAX_ANALYZERS = 1000;
/** A stop waits by so much longer than the analyzer itself: it has programs to end and results to confirm. */
const STOP_GRACE_MS = 10_000;

interface Options extends AddressOptions {
  readonly queue?: string;
  readonly min: number;
  readonly max: number;
  readonly exec?: string;
  readonly handlers?: string;
  readonly weight?: number;
  readonly concurrency?: number;
  readonly drainTimeout: number;
  readonly targetWait: number;
  readonly coolDown: number;
  readonly interval: number;
}

interface ControlOptions {
  readonly json?: true;
}

/**
 * Makes the command.
 * @param program path of the program's main module, which the analyzers run
 */
export function poolCommand(terminal: Terminal, program: string): Command {
  return addAddressOption(new Command("pool"))
    .summary("run as many analyzers as a queue wants")
    .description("Runs as many analyzers as a queue wants, as supervised processes on this machine.")
    .option("--queue <name>", "queue to serve")
    .option("--min <n>", "fewest analyzers", wholeNumber(0, MAX_ANALYZERS), 1)
    .option("--max <n>", "most analyzers", wholeNumber(1, MAX_ANALYZERS), 8)
    .option("--exec <command>", "run this shell command for each task")
    .option("--handlers <module>", "JavaScript module with the handlers")
    .option("--weight <w>", "weight of each analyzer (default: 1)", weight)
    .option("--concurrency <n>", "most tasks at a time of each analyzer", wholeNumber(1, 100_000))
    .addOption(duration("--target-wait", "how long a task may wait", 30_000))
    .addOption(duration("--cool-down", "stop some when fewer were wanted for so long", 60_000))
    .addOption(duration("--interval", "how often to ask the node", 2000))
    .addOption(duration("--drain-timeout", "how long a stop waits for running tasks", 30_000))
    .addHelpText("after", EXAMPLES)
    .addCommand(scaleCommand(terminal))
    .addCommand(statusCommand(terminal))
    .action(async (options: Options) => {
      throw new ExitStatus(await pool(options, terminal, program));
    });
}

function duration(flag: string, description: string, fallbackMs: number): Option {
  const option = new Option(`${flag} <duration>`, description);
  return option.argParser(timerMs).default(fallbackMs, formatDuration(fallbackMs));
}

function pool(options: Options, terminal: Terminal, program: string): Promise<number> {
  const { queue, min, max, exec, handlers } = options;
  if (queue === undefined) throw new UsageError("say which queue to serve with --queue");
  if (min > max) throw new UsageError(`--min ${min} is more than --max ${max}`);
  if ((exec === undefined) === (handlers === undefined)) {
    throw new UsageError("say how to work on tasks with one of --exec, --handlers");
  }
  const addresses = nodeAddresses(options, terminal);
  return runPool(
    {
      queue,
      addresses,
      min,
      max,
      coolDownMs: options.coolDown,
      drainMs: options.drainTimeout + STOP_GRACE_MS,
      targetWaitMs: options.targetWait,
      intervalMs: options.interval,
      workArgs: workArgs(queue, addresses, options),
      program,
      stopped: stopRequested(),
    },
    terminal,
  );
}

function workArgs(queue: string, addresses: readonly string[], options: Options): string[] {
  const { exec, handlers, weight, concurrency, drainTimeout } = options;
  return [
    ...["--queue", queue, "--address", addresses.join(","), "--drain-timeout", String(drainTimeout)],
    ...(exec === undefined ? [] : ["--exec", exec]),
    ...(handlers === undefined ? [] : ["--handlers", handlers]),
    ...(weight === undefined ? [] : ["--weight", String(weight)]),
    ...(concurrency === undefined ? [] : ["--concurrency", String(concurrency)]),
  ];
}

function scaleCommand(terminal: Terminal): Command {
  return new Command("scale")
    .description("Sets the number of a running pool's analyzers by hand, at most its --max.")
    .argument("<queue>", "queue of the pool")
    .argument("<n>", "how many, or auto: as many as the queue wants", (text) =>
      text === "auto" ? text : wholeNumber(0, MAX_ANALYZERS)(text),
    )
    .option("--json", "print JSON")
    .action(async (queue: string, analyzers: number | "auto", options: ControlOptions) => {
      const status = await requestScale(socketPath(runtimeDirectory(terminal), queue), analyzers);
      printStatus([present(status, queue)], options, terminal);
    });
}

function statusCommand(terminal: Terminal): Command {
  return new Command("status")
    .description("Shows the pools that run on this machine, of this user.")
    .argument("[queue]", "only the pool of this queue")
    .option("--json", "print JSON")
    .action(async (queue: string | undefined, options: ControlOptions) => {
      const directory = runtimeDirectory(terminal);
      const paths = queue === undefined ? socketPaths(directory) : [socketPath(directory, queue)];
      const found = (await Promise.all(paths.map(requestStatus))).filter((status) => status !== undefined);
      if (found.length === 0) throw noPool(queue);
      found.sort((a, b) => (a.queue < b.queue ? -1 : 1));
      printStatus(found, options, terminal);
    });
}

function printStatus(pools: readonly PoolStatus[], { json }: ControlOptions, terminal: Terminal): void {
  if (json) {
    printLine(terminal, JSON.stringify(pools, undefined, 2));
    return;
  }
  for (const [index, status] of pools.entries()) {
    if (index > 0) printLine(terminal, "");
    for (const line of poolReport(status)) printLine(terminal, line);
  }
}

function present(status: PoolStatus | undefined, queue: string): PoolStatus {
  if (status === undefined) throw noPool(queue);
  return status;
}

function noPool(queue: string | undefined): CommandError {
  const which = queue === undefined ? "no pool runs" : `no pool of queue ${queue} runs`;
  return new CommandError(
    `${which} on this machine; start one with 'sluice pool --queue ${queue ?? "NAME"} --exec CMD'`,
  );
}
