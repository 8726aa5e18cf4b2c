/** `sluice node`: operates the node itself. */
import { Command } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { withAdmin } from "../client/with-admin.ts";
import { UsageError } from "../exit.ts";
import { printLine, type Terminal } from "../terminal.ts";

const EXAMPLES = `
Examples:
  sluice node drain --address 10.0.0.7:7070       before its machine is taken away`;

/** Makes the command. */
export function nodeCommand(terminal: Terminal): Command {
  return new Command("node")
    .summary("drain the node")
    .description("Operates the node itself.")
    .addHelpText("after", EXAMPLES)
    .addCommand(drainCommand(terminal));
}

function drainCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("drain"))
    .description(
      "Asks the node to stop as SIGTERM does: it gives out no more work, waits for results as long as its --drain-ms " +
        "allows, and ends. Tasks on disk are kept.",
    )
    .action(async (options: AddressOptions) => {
      const addresses = nodeAddresses(options, terminal);
      // Which one would be stopped is left to chance.
      if (addresses.length > 1) throw new UsageError("name one node with --address: the one that should stop");
      await withAdmin(options, terminal, (admin) => admin.drainNode());
      printLine(terminal, `the node at ${addresses.join()} drains: it waits for results, then its process ends`);
    });
}
