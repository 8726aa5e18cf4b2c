/**
 * The linter's settings keep clocks, timers and randomness out of the lower floors: proved by linting code that breaks
 * the rule, so that a change of biome.json that loses it is noticed.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const OFFENCES = [
  "Date.now()",
  "performance.now()",
  "setTimeout(f, 1)",
  "Math.random()",
  "process.pid",
  "globalThis.x",
];
const CORE_OFFENCES = [...OFFENCES, "Promise.resolve()", "queueMicrotask(f)"];

let folder = "";
let report = "";

/** Writes one file per offence, so that each must be reported on its own. */
function write(path: string, expression: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `/** An offence. */\nexport const use = (f: () => void) => [f, ${expression}];\n`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lint-"));
  cpSync(join(root, "biome.json"), join(folder, "biome.json"));
  for (const [index, offence] of CORE_OFFENCES.entries()) write(`src/core/offence-${index}.ts`, offence);
  for (const [index, offence] of OFFENCES.entries()) {
    write(`src/engine/offence-${index}.ts`, offence);
    write(`src/store/offence-${index}.ts`, offence);
  }
  for (const path of ["src/engine/clock.ts", "src/cli/main.ts", "src/core/share.test.ts"]) write(path, "Date.now()");
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "lint", "--vcs-enabled=false", "--reporter=github", "--max-diagnostics=none", "."];
  report = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).stdout;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ...CORE_OFFENCES.map((offence, index) => [`src/core/offence-${index}.ts`, offence]),
  ...OFFENCES.map((offence, index) => [`src/engine/offence-${index}.ts`, offence]),
  ...OFFENCES.map((offence, index) => [`src/store/offence-${index}.ts`, offence]),
])("in %s, %s is refused", (path) => {
  const lines = report.split("\n").filter((line) => line.includes(`${path},`));
  expect(lines.join("\n")).toMatch(/noRestrictedGlobals|noJsRestrictedProperties/);
});

test.each(["src/engine/clock.ts", "src/cli/main.ts", "src/core/share.test.ts"])("%s may read the clock", (path) => {
  expect(report).not.toContain(path);
});
