/** `sluice dispatch`: runs the tasks of a file and reports. */
import { Command } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { readDispatchFile } from "../dispatch/file.ts";
import { dispatch } from "../dispatch/run.ts";
import { ExitStatus } from "../exit.ts";
import { stopRequested } from "../signals.ts";
import type { Terminal } from "../terminal.ts";

const EXAMPLES = `
Examples:
  sluice dispatch reports.yaml
  sluice dispatch reports.yaml --json | jq '.tasks[] | select(.problem)'

A file lists tasks:
  timeoutMs: 60000                      # for all of them together; default: however long it takes
  defaults: { queue: reports, retry: { maxAttempts: 3 } }
  tasks:
    - name: march
      type: summary
      payload: { month: 3 }             # text is sent as text, anything else as JSON
      priority: 7
      timeoutMs: 5000                   # longest run of one attempt
      analyzers: [worker-1, worker-2]   # a result from any other one is a failure
A task, and the defaults, may also say contentType, attributes, delayMs, notBefore, fairnessKey, fairnessWeight and, under
retry, initialBackoffMs, backoffFactor and maxBackoffMs; a task alone may say id, which makes the file safe to run twice.

EXECUTION is how long analyzers worked on a task, all attempts together. While no node answers the command waits. Exit
status: 0 when every task was completed where it should, 1 when one was not or the time was over, 2 when the file is wrong
and nothing was submitted, 130 or 143 when Ctrl-C or SIGTERM ended the waiting: what is open then goes on at the node.`;

interface Options extends AddressOptions {
  readonly json?: true;
}

/** Makes the command. */
export function dispatchCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("dispatch"))
    .summary("run the tasks of a YAML file and wait for them")
    .description("Submits the tasks that a YAML file lists, waits for all of them and prints what became of each.")
    .argument("<file>", "file in YAML or JSON")
    .option("--json", "print the report as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, options: Options) => {
      const addresses = nodeAddresses(options, terminal);
      const file = readDispatchFile(path, terminal.directory);
      const settings = { addresses, json: options.json === true, stopped: stopRequested() };
      throw new ExitStatus(await dispatch(file, settings, terminal));
    });
}
