/** `sluice config`: prints the configuration that `serve` would run with. */
import { Command } from "commander";
import { addConfigFlags, type ConfigOptions, configReference } from "../config/reference.ts";
import type { EffectiveConfig, Origin } from "../config/resolve.ts";
import { configKeys } from "../config/schema.ts";
import { formatTable, textColumn } from "../output/table.ts";
import { printLine, type Terminal } from "../terminal.ts";
import { effectiveConfig } from "./serve.ts";

const EXAMPLES = `
Examples:
  sluice config                       what 'sluice serve' would run with here, and where each value came from
  sluice config --port 8080           the same with a flag
  sluice config --json
  sluice config --markdown            the reference page of all keys`;

/** Makes the command. */
export function configCommand(terminal: Terminal): Command {
  return addConfigFlags(new Command("config"))
    .summary("print the effective configuration and where each value came from")
    .description("Prints the configuration that 'sluice serve' would run with, and where each value came from.")
    .option("--json", "print JSON")
    .option("--markdown", "print the reference of all keys as Markdown")
    .addHelpText("after", EXAMPLES)
    .action((options: ConfigOptions & { readonly json?: true; readonly markdown?: true }) => {
      if (options.markdown) {
        terminal.out.write(configReference());
        return;
      }
      const effective = effectiveConfig(options, terminal);
      if (options.json) printLine(terminal, JSON.stringify(asJson(effective), undefined, 2));
      else for (const line of asTable(effective)) printLine(terminal, line);
    });
}

function asTable({ config, origins }: EffectiveConfig): string[] {
  return formatTable(
    [textColumn("KEY"), textColumn("VALUE"), textColumn("FROM"), textColumn("MEANING")],
    configKeys.map(({ name, unit, description }) => [
      name,
      unit === undefined ? String(config[name]) : `${config[name]} ${unit}`,
      originName(origins.get(name)),
      description,
    ]),
  );
}

function asJson({ config, origins }: EffectiveConfig): Record<string, { value: string | number; from: string }> {
  return Object.fromEntries(
    configKeys.map(({ name }) => [name, { value: config[name], from: originName(origins.get(name)) }]),
  );
}

function originName(origin: Origin | undefined): string {
  return origin === undefined || origin.kind === "default" ? "default" : origin.name;
}
