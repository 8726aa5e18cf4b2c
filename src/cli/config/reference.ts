/** The reference of all keys, in the forms that people read: flags for `--help` and a Markdown page for the docs. */
import type { Command } from "commander";
import { type ConfigKey, configKeys, type KeyEntry } from "./schema.ts";

/** Adds a flag per key. Values stay text: they are checked together with those from elsewhere. */
export function addConfigFlags(command: Command): Command {
  command.option("--config <file>", "configuration file in YAML or JSON (default: ./sluice.yaml if there)");
  for (const key of configKeys) command.option(`${key.flag} <value>`, flagHelp(key));
  return command;
}

/** The options that `addConfigFlags` adds, as read. */
export type ConfigOptions = ConfigFlags & { readonly config?: string };

/** Values of flags by key. */
export type ConfigFlags = Readonly<Partial<Record<ConfigKey, string>>>;

/** The flags that were given. */
export function configFlags(options: ConfigOptions): ConfigFlags {
  const flags: Partial<Record<ConfigKey, string>> = {};
  for (const { name } of configKeys) {
    const value = options[name];
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}

function flagHelp(key: KeyEntry): string {
  const unit = key.unit === undefined ? "" : `${key.unit}, `;
  return `${key.description} (${unit}${key.values}; default: ${key.fallback})`;
}

/** The reference page as Markdown: what `docs/configuration.md` holds. */
export function configReference(): string {
  const rows = configKeys.map((key) => {
    const unit = key.unit === undefined ? "" : `${key.unit}: `;
    return `| \`${key.name}\` | \`${key.flag}\` | \`${key.variable}\` | \`${key.fallback}\` | ${unit}${key.values} | ${key.description} |`;
  });
  return [
    "# Configuration",
    "",
    "Flags win over the environment, the environment over the file, the file over the defaults. `sluice config` prints what",
    "holds and where each value came from. The file is `./sluice.yaml` or the one named by `--config FILE` or",
    "`SLUICE_CONFIG`: a mapping of keys to values in YAML or JSON. Unknown keys are refused. Durations may be written as",
    "`500ms`, `30s`, `5m`, `2h`, `1d` and sizes as `64KiB`, `16MiB`, `1GiB`.",
    "",
    "| key | flag | variable | default | values | meaning |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "This page is printed by `sluice config --markdown`.",
    "",
  ].join("\n");
}
