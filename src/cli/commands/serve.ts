/** `sluice serve`: runs a node. */
import { Command } from "commander";
import { readConfigFile } from "../config/file.ts";
import { addConfigFlags, type ConfigOptions, configFlags } from "../config/reference.ts";
import { type EffectiveConfig, resolveConfig } from "../config/resolve.ts";
import { ExitStatus } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

const EXAMPLES = `
Examples:
  sluice serve                                     tasks in ./sluice-data, clients on 127.0.0.1:7070, HTTP on 7080
  sluice serve --store memory --port 0             nothing on disk, any free port
  sluice serve --http-listen off                   no HTTP
  sluice serve --config /etc/sluice.yaml --log-format json
  SLUICE_HOST=0.0.0.0 sluice serve                 reachable from other machines

Signals:
  SIGTERM or SIGINT drains: no new work, results are awaited for --drain-ms, then exit status 0.
  A second one ends the process at once (143 or 130). Tasks on disk are safe either way.`;

/** Makes the command. */
export function serveCommand(terminal: Terminal, version: string): Command {
  return addConfigFlags(new Command("serve"))
    .summary("run a node")
    .description("Runs a node: takes tasks from emitters and shares them out to analyzers by weight.")
    .addHelpText("after", EXAMPLES)
    .action(async (options: ConfigOptions) => {
      const { config } = effectiveConfig(options, terminal);
      // Not at the top: engine, store and server would double the start of every other command.
      const { serve } = await import("../serve/serve.ts");
      throw new ExitStatus(await serve(config, version, terminal));
    });
}

/** The configuration that holds for these flags, this environment and the file they name. */
export function effectiveConfig(options: ConfigOptions, terminal: Terminal): EffectiveConfig {
  const { SLUICE_CONFIG } = terminal.env;
  const file = readConfigFile(options.config ?? SLUICE_CONFIG, terminal.directory);
  return resolveConfig({ flags: configFlags(options), env: terminal.env, file });
}
