/** Every example of the SDK runs, as built, against a node of its own, and ends by itself. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type NodeProcess, startNodeProcess } from "../bench/node-process.ts";

const EXAMPLE_TIMEOUT_MS = 20_000;

const root = join(import.meta.dirname, "..");
const built = join(root, "dist", "clients", "typescript", "examples");
const examples = readdirSync(join(root, "clients", "typescript", "examples"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length));

let node: NodeProcess;

beforeAll(async () => {
  if (!existsSync(built)) throw new Error("the examples are not built: run npm run build first");
  node = await startNodeProcess(join(root, "dist", "src", "cli", "main.js"), "memory");
});
afterAll(() => node?.stop());

test.each(examples)("%s", { timeout: EXAMPLE_TIMEOUT_MS }, async (name) => {
  const env = { ...process.env, SLUICE_ADDRESS: node.address };
  const run = promisify(execFile)(process.execPath, [join(built, `${name}.js`)], { env, timeout: EXAMPLE_TIMEOUT_MS });
  // Rejects, with all that was printed, when the example ends with another status than 0.
  const { stdout } = await run;
  expect(stdout).not.toBe("");
  expect(stdout).not.toContain("unexpected");
});
