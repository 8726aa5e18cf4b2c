import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addConfigFlags, configFlags, configReference } from "./reference.ts";
import { configKeys } from "./schema.ts";

describe("the reference of the configuration", () => {
  it("documents every key in the help and on the page", () => {
    const help = addConfigFlags(new Command("serve")).helpInformation();
    const page = configReference();
    for (const { flag, variable, name } of configKeys) {
      expect(help).toContain(flag);
      expect(page).toContain(`| \`${name}\` | \`${flag}\` | \`${variable}\` |`);
    }
  });

  it("is committed as the program prints it: sluice config --markdown > docs/configuration.md", () => {
    const committed = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
    expect(committed).toBe(configReference());
  });

  it("gives the flags of the command line back by key", () => {
    const command = addConfigFlags(new Command("serve")).exitOverride();
    command.parse(["--data-dir", "/data", "--lease-ms", "10s"], { from: "user" });
    expect(configFlags(command.opts())).toEqual({ dataDir: "/data", leaseMs: "10s" });
  });

  it("spells names for the three places", () => {
    expect(configKeys.find((key) => key.name === "maxMessageBytes")).toMatchObject({
      flag: "--max-message-bytes",
      variable: "SLUICE_MAX_MESSAGE_BYTES",
      unit: "bytes",
    });
  });
});
