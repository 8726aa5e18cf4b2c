/** Puts the commands together and turns how they end into an exit status. */
import { Command, CommanderError } from "commander";
import { analyzersCommand } from "./commands/analyzers.ts";
import { configCommand } from "./commands/config.ts";
import { demoCommand } from "./commands/demo.ts";
import { dispatchCommand } from "./commands/dispatch.ts";
import { explainCommand } from "./commands/explain.ts";
import { nodeCommand } from "./commands/node.ts";
import { poolCommand } from "./commands/pool.ts";
import { queuesCommand } from "./commands/queues.ts";
import { serveCommand } from "./commands/serve.ts";
import { statsCommand } from "./commands/stats.ts";
import { submitCommand } from "./commands/submit.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { topCommand } from "./commands/top.ts";
import { workCommand } from "./commands/work.ts";
import { CommandError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, ExitStatus, UsageError } from "./exit.ts";
import { paletteFor } from "./output/colour.ts";
import { printNotice, type Terminal } from "./terminal.ts";
import { programVersion } from "./version.ts";

const EXAMPLES = `
Examples:
  sluice demo                                                 see it work in ten seconds
  sluice serve                                                run a node
  sluice work --queue logs --weight 0.4 --exec 'jq .message'  run an analyzer
  sluice submit --queue logs --payload '{"message": "hi"}'    submit a task
  sluice top                                                  see who gets what

Exit status: 0 done, 1 failed, 2 wrong usage; 130 or 143 when a second signal cut an orderly stop short.`;

/**
 * Runs one command. Resolves with the exit status of the process.
 * @param program path of the program's main module, for commands that start it again
 */
export async function runProgram(args: readonly string[], terminal: Terminal, program: string): Promise<number> {
  try {
    await buildProgram(terminal, program).parseAsync(args, { from: "user" });
    return EXIT_OK;
  } catch (error) {
    return exitStatusOf(error, terminal);
  }
}

function buildProgram(terminal: Terminal, program: string): Command {
  const version = programVersion();
  const root = new Command("sluice")
    .description("A gRPC streaming work distributor that shares work out in proportion to worker weights.")
    .version(version, "-V, --version", "print the version")
    .addHelpText("after", EXAMPLES);
  const commands = [
    serveCommand(terminal, version),
    demoCommand(terminal, program),
    submitCommand(terminal),
    dispatchCommand(terminal),
    workCommand(terminal, version),
    poolCommand(terminal, program),
    topCommand(terminal),
    statsCommand(terminal),
    tasksCommand(terminal),
    queuesCommand(terminal),
    analyzersCommand(terminal),
    explainCommand(terminal),
    nodeCommand(terminal),
    configCommand(terminal),
  ];
  for (const command of commands) root.addCommand(command);
  settle(root, terminal);
  return root;
}

/** What holds for every command: nothing is inherited by commands that are added whole. */
function settle(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      getOutHelpWidth: () => terminal.out.columns,
      getErrHelpWidth: () => terminal.err.columns,
    })
    .showHelpAfterError(`Try '${fullName(command)} --help'.`);
  for (const child of command.commands) settle(child, terminal);
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function exitStatusOf(error: unknown, terminal: Terminal): number {
  if (error instanceof ExitStatus) return error.status;
  // Commander has printed its message already; help and version end this way too, with status 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  const { bad } = paletteFor(terminal.err, terminal.env);
  if (error instanceof UsageError || error instanceof CommandError) {
    printNotice(terminal, `${bad("error:")} ${error.message}`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  printNotice(terminal, `${bad("error:")} ${text}`);
  return EXIT_FAILED;
}
