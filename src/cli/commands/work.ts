/** `sluice work`: runs an analyzer. */
import type { Handlers } from "@sluice/client";
import { Command } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { EXIT_NON_RETRYABLE, execHandler } from "../work/exec-handler.ts";
import { loadHandlers } from "../work/handlers-module.ts";
import { runWork } from "../work/run.ts";
import { textList, timerMs, weight, wholeNumber } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice work --queue logs --weight 0.4 --exec './analyse.sh'
  sluice work --queue mail --queue sms --concurrency 20 --handlers ./handlers.js
  sluice work --queue logs --exec 'jq -e .message || exit ${EXIT_NON_RETRYABLE}'

A program (--exec) gets the payload as its input; its output is the result. It finds the task in SLUICE_TASK_ID,
SLUICE_QUEUE, SLUICE_TYPE, SLUICE_ATTEMPT, SLUICE_CONTENT_TYPE and SLUICE_ATTRIBUTES (JSON). Exit status 0 completes the
task, ${EXIT_NON_RETRYABLE} fails it for good, any other fails the attempt; the end of its error output becomes the error. When the task
is cancelled or its timeout is over, it gets SIGTERM and 5 s later SIGKILL, with all it started.

A module (--handlers) exports, as default or named 'handlers', a function or an object of functions by task type:
  export default { mail: async (task, { signal, attempt }) => send(task.json()), "*": (task) => task.text().length };

SIGTERM or SIGINT finishes what runs, hands back the rest and ends with status 0; a second one ends at once.`;

interface Options extends AddressOptions {
  readonly queue: readonly string[];
  readonly weight: number;
  readonly id?: string;
  readonly concurrency?: number;
  readonly drainTimeout?: number;
  readonly exec?: string;
  readonly handlers?: string;
}

/** Makes the command. */
export function workCommand(terminal: Terminal, version: string): Command {
  return addAddressOption(new Command("work"))
    .summary("run an analyzer")
    .description("Runs an analyzer: takes tasks from queues in proportion to its weight and works on them.")
    .requiredOption("--queue <name>", "queue to serve; may be repeated", textList)
    .option("--weight <w>", "its share is this over the sum of all analyzers' weights", weight, 1)
    .option("--id <id>", "who it is, stable over restarts and unique (default: made up)")
    .option("--concurrency <n>", "most tasks at a time (default: 10 times the weight)", wholeNumber(1, 100_000))
    .option("--exec <command>", "run this shell command for each task")
    .option("--handlers <module>", "JavaScript module with the handlers")
    .option("--drain-timeout <duration>", "how long a stop waits for running tasks (default: 30s)", timerMs)
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      throw new ExitStatus(await work(options, terminal, version));
    });
}

async function work(options: Options, terminal: Terminal, version: string): Promise<number> {
  const settings = {
    addresses: nodeAddresses(options, terminal),
    id: options.id,
    queues: options.queue,
    weight: options.weight,
    concurrency: options.concurrency,
    drainTimeoutMs: options.drainTimeout,
    version: `sluice ${version}`,
  };
  return runWork({ ...settings, handlers: await handlersOf(options, terminal) }, terminal);
}

async function handlersOf({ exec, handlers }: Options, terminal: Terminal): Promise<Handlers> {
  if (exec !== undefined && handlers === undefined) {
    const programs = execHandler(exec);
    // Also when a second signal or an error ends this process: nobody would read what they return.
    process.once("exit", programs.killAll);
    return programs.handler;
  }
  if (handlers !== undefined && exec === undefined) return loadHandlers(handlers, terminal.directory);
  throw new UsageError("say how to work on tasks with one of --exec, --handlers");
}
