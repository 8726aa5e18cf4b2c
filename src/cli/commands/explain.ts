/** `sluice explain`: says why something is where it is. */
import { Command } from "commander";
import { type AddressOptions, addAddressOption } from "../client/address.ts";
import { withAdmin } from "../client/with-admin.ts";
import { stateName } from "../operate/task-filter.ts";
import { printLine, type Terminal } from "../terminal.ts";

const EXAMPLES = `
Examples:
  sluice explain task 019380f2-...                what it waits for, or how it ended
  sluice explain analyzer worker-3                why it is idle or busy`;

/** Makes the command. */
export function explainCommand(terminal: Terminal): Command {
  return new Command("explain")
    .summary("say why a task or an analyzer is where it is")
    .description("Says in words why a task is where it is, or why an analyzer is idle or busy.")
    .addHelpText("after", EXAMPLES)
    .addCommand(taskCommand(terminal))
    .addCommand(analyzerCommand(terminal));
}

function taskCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("task"))
    .description("Says what a task waits for, or how it ended.")
    .argument("<id>", "id of the task")
    .action(async (id: string, options: AddressOptions) => {
      const { state, reasons } = await withAdmin(options, terminal, (admin) => admin.explainTask(id));
      printLine(terminal, stateName(state));
      for (const reason of reasons) printLine(terminal, `  ${reason}`);
    });
}

function analyzerCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("analyzer"))
    .description("Says why an analyzer is idle or busy.")
    .argument("<id>", "id of the analyzer")
    .action(async (id: string, options: AddressOptions) => {
      const reasons = await withAdmin(options, terminal, (admin) => admin.explainAnalyzer(id));
      for (const reason of reasons) printLine(terminal, reason);
    });
}
