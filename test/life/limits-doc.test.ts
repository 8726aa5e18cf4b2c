import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as coreLimits from "../../src/core/limits.ts";
import * as engineSettings from "../../src/engine/settings.ts";
import * as httpLimits from "../../src/http/limits.ts";
import * as rpcLimits from "../../src/rpc/limits.ts";
import { DEFAULT_QUEUE_SETTINGS } from "../../src/store/port.ts";

/** A row of the page: the name in its first cell, the file it names there or in the text above, the other cells. */
interface Row {
  readonly name: string;
  readonly file: string;
  readonly value: string;
  readonly cells: readonly string[];
}

const ROOT = new URL("../../", import.meta.url);
const rows = rowsOf(readFileSync(new URL("docs/limits.md", ROOT), "utf8"));

function rowsOf(page: string): Row[] {
  const found: Row[] = [];
  let sectionFile = "";
  for (const line of page.split("\n")) {
    if (line.startsWith("## ")) sectionFile = "";
    const source = /Source: `([^`]+)`/.exec(line)?.[1];
    if (source !== undefined) sectionFile = source;
    if (!line.startsWith("| `")) continue;
    const cells = line.split("|").slice(1, -1);
    const [name = "", file = sectionFile] = [...(cells[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, text]) => text);
    found.push({ name, file, value: (cells[1] ?? "").trim(), cells });
  }
  return found;
}

/** Names and values of a module's constants, of objects field by field. */
function constantsOf(module: Readonly<Record<string, unknown>>): [name: string, value: unknown][] {
  return Object.entries(module).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === "function") return [];
    if (typeof value !== "object" || value === null) return [[name, value]];
    return Object.entries(value).map(([field, inner]): [string, unknown] => [`${name}.${field}`, inner]);
  });
}

function shown(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : String(value);
}

/** The value of a constant that is written as a number, a power or a product of numbers. */
function constantIn(file: string, name: string): number {
  const text = readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8");
  const expression = new RegExp(`^(?:export )?const ${name}(?:: number)? = ([\\d_ *-]+);`, "m").exec(text)?.[1];
  if (expression === undefined) throw new Error(`${file} has no constant ${name} that is a number`);
  const [product = "", minus = "0"] = expression.replaceAll("_", "").split(" - ");
  const factors = product.split(/ \* (?!\*)/).map((factor) => {
    const [base, exponent = "1"] = factor.split(" ** ");
    return Number(base) ** Number(exponent);
  });
  return factors.reduce((result, factor) => result * factor, 1) - Number(minus.split(" ** ").reduce(power));
}

function power(base: string, exponent: string): string {
  return String(Number(base) ** Number(exponent));
}

describe("the page of limits", () => {
  it.each([
    ["src/core/limits.ts", coreLimits],
    ["src/engine/settings.ts", engineSettings],
    ["src/rpc/limits.ts", rpcLimits],
    ["src/http/limits.ts", httpLimits],
    ["src/store/port.ts", { DEFAULT_QUEUE_SETTINGS }],
  ])("names every constant of %s with its value", (file, module) => {
    const missing = constantsOf(module).filter(
      ([name, value]) =>
        !rows.some((row) => row.file === file && row.name === name && row.value.split(" ")[0] === shown(value)),
    );
    expect(missing).toEqual([]);
  });

  it("has the values of all constants that it names in other files", () => {
    const modules = [
      "src/core/limits.ts",
      "src/engine/settings.ts",
      "src/rpc/limits.ts",
      "src/http/limits.ts",
      "src/store/port.ts",
    ];
    const others = rows.filter(({ file }) => !modules.includes(file));
    expect(others.length).toBeGreaterThan(30);
    for (const { file, name, value } of others) {
      expect(`${name} ${value.split(" ")[0]}`).toBe(`${name} ${shown(constantIn(file, name))}`);
    }
  });

  it("names nothing that is not there", () => {
    const names = [coreLimits, engineSettings, rpcLimits, httpLimits, { DEFAULT_QUEUE_SETTINGS }].flatMap((module) =>
      constantsOf(module).map(([name]) => name),
    );
    const ofModules = rows.filter(({ file }) => /(core|rpc|http)\/limits|engine\/settings|store\/port/.test(file));
    expect(ofModules.filter(({ name }) => !names.includes(name))).toEqual([]);
  });

  it("says of each limit how to change it and what happens when it is reached", () => {
    for (const { cells } of rows) expect(cells).toHaveLength(4);
  });
});
