/** Where the node is, for commands that talk to one. */
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_ADDRESS = "127.0.0.1:7070";

/** The option that `addAddressOption` adds, as read. */
export interface AddressOptions {
  readonly address?: string;
}

/** Adds `--address`. */
export function addAddressOption(command: Command): Command {
  return command.option(
    "--address <host:port>",
    `the node, or several separated by commas (env: SLUICE_ADDRESS; default: ${DEFAULT_ADDRESS})`,
  );
}

/** The addresses to use: flag, then environment, then default. Throws UsageError for one that is no HOST:PORT. */
export function nodeAddresses(options: AddressOptions, terminal: Terminal): string[] {
  const { SLUICE_ADDRESS } = terminal.env;
  const addresses = (options.address ?? (SLUICE_ADDRESS || DEFAULT_ADDRESS)).split(",").map((each) => each.trim());
  for (const address of addresses) {
    if (!/^[^:\s]+:\d{1,5}$|^\[[0-9a-f:.]+\]:\d{1,5}$/i.test(address)) {
      throw new UsageError(`'${address}' is no address; write HOST:PORT, such as ${DEFAULT_ADDRESS} or [::1]:7070`);
    }
  }
  return addresses;
}
