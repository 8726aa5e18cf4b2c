/** `sluice demo`: shows weighted distribution with real processes. */
import { Command, InvalidArgumentError, Option } from "commander";
import { runInteractiveDemo } from "../demo/interactive.ts";
import { runDemo } from "../demo/run.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import { formatDuration } from "../output/figures.ts";
import type { Terminal } from "../terminal.ts";
import { timerMs, weight, wholeNumber } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice demo                              1,000 messages to analyzers with weights 0.4, 0.3, 0.2 and 0.1
  sluice demo --chaos                      the same, and the heaviest analyzer is killed half way
  sluice demo --weights 5,1 --tasks 2000
  sluice demo --interactive                a menu: send logs, kill an analyzer, change a weight, see who gets what
  sluice demo --json                       the outcome for programs

The node and each analyzer are processes of their own; tasks are kept on disk in a temporary folder.
Exit status: 1 when a task is lost or a share is off by more than 5 points. With --interactive the choices are read from
standard input, which may be a pipe; its analyzers take 10 tasks at a time each, and the queue has a max lead of 1, so
that shares are exact at any load.`;

const DEFAULTS = {
  tasks: 1000,
  durationMs: 6000,
  emitters: 10,
  weights: [0.4, 0.3, 0.2, 0.1],
} as const;

/** Processes that a machine for trying things out can be asked to run. */
const MAX_ANALYZERS = 50;

interface Options {
  readonly tasks: number;
  readonly duration: number;
  readonly emitters: number;
  readonly weights: readonly number[];
  readonly chaos?: true;
  readonly interactive?: true;
  readonly json?: true;
}

/**
 * Makes the command.
 * @param program path of the program's main module, which the demo starts as its node and analyzers
 */
export function demoCommand(terminal: Terminal, program: string): Command {
  return new Command("demo")
    .summary("see weighted distribution at work")
    .description("Starts a node, weighted analyzers and emitters of log messages, and shows who gets what.")
    .option("--tasks <n>", "messages in all", wholeNumber(1, 10_000_000), DEFAULTS.tasks)
    .addOption(
      new Option("--duration <duration>", "time over which they are sent")
        .argParser(timerMs)
        .default(DEFAULTS.durationMs, formatDuration(DEFAULTS.durationMs)),
    )
    .option("--emitters <n>", "services that send them", wholeNumber(1, 1000), DEFAULTS.emitters)
    .addOption(
      new Option("--weights <list>", "weights, one analyzer each")
        .argParser(weights)
        .default(DEFAULTS.weights, DEFAULTS.weights.join(",")),
    )
    .option("--chaos", "kill the heaviest analyzer half way")
    .option("--interactive", "choose from a menu what happens")
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options, command: Command) => {
      if (options.interactive) {
        refuseOther(command);
        throw new ExitStatus(await runInteractiveDemo(options.weights, program, terminal));
      }
      const { tasks, duration, emitters } = options;
      const settings = { tasks, durationMs: duration, emitters, weights: options.weights };
      const flags = { chaos: options.chaos === true, json: options.json === true };
      throw new ExitStatus(await runDemo({ ...settings, ...flags }, program, terminal));
    });
}

/** Options that a menu has no use for. */
function refuseOther(command: Command): void {
  for (const name of ["tasks", "duration", "emitters", "chaos", "json"]) {
    if (command.getOptionValueSource(name) === "cli") throw new UsageError(`--${name} does not go with --interactive`);
  }
}

function weights(text: string): readonly number[] {
  const list = text.split(",").map((each) => weight(each.trim()));
  if (list.length > MAX_ANALYZERS) throw new InvalidArgumentError(`Expected at most ${MAX_ANALYZERS} weights.`);
  return list;
}
