import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandError, UsageError } from "../exit.ts";
import { loadHandlers } from "./handlers-module.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-handlers-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function load(text: string) {
  writeFileSync(join(directory, "work.mjs"), text);
  return loadHandlers("work.mjs", directory);
}

describe("a module of handlers", () => {
  it("exports a handler by default", async () => {
    expect(await load("export default () => 7;")).toBeTypeOf("function");
  });

  it("exports handlers by type, by default or by name", async () => {
    expect(await load("export default { mail: () => 7 };")).toHaveProperty("mail");
  });

  it("may name its export", async () => {
    expect(await load("export const handlers = { mail: () => 7, '*': () => 8 };")).toHaveProperty("*");
  });

  it.each([
    "export default 7;",
    "export default {};",
    "export default { mail: 'x' };",
    "export const other = () => 7;",
  ])("is refused when it exports something else: %s", async (text) => {
    await expect(load(text)).rejects.toThrow(UsageError);
  });

  it("is refused when it is not there", async () => {
    await expect(loadHandlers("gone.mjs", directory)).rejects.toThrow(/there is no file/);
  });

  it("fails with its own error when it cannot be loaded", async () => {
    await expect(load("throw new Error('no database');")).rejects.toThrow(CommandError);
    await expect(load("throw new Error('no database');")).rejects.toThrow(/no database/);
  });
});
