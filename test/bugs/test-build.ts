/**
 * Builds the simulation with a bug in it: the sources are bundled as they are, but for one snippet.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "vite";
import type { simulate } from "../sim/simulation.ts";
import type { Bug } from "./bugs.ts";

/** The part of the simulation that a test build offers. */
export interface TestBuild {
  readonly simulate: typeof simulate;
}

/**
 * The simulation with the bug, or as it is for undefined. Rejects when the bug's snippet is not in its file exactly once.
 * `root` is the folder of the project.
 */
export async function buildWith(bug: Bug | undefined, root: string): Promise<TestBuild> {
  const injection = injectionOf(bug, root);
  const output = await build({
    root,
    configFile: false,
    logLevel: "silent",
    plugins: [injection.plugin],
    build: { ssr: "test/sim/simulation.ts", write: false, minify: false, target: "node20" },
  });
  if (bug !== undefined && !injection.isDone()) throw new Error(`${bug.file} is not part of the simulation`);
  const [bundle] = Array.isArray(output) ? output : [output];
  if (bundle === undefined || !("output" in bundle)) throw new Error("vite has built nothing");
  return load(bundle.output[0].code);
}

function injectionOf(bug: Bug | undefined, root: string): { readonly plugin: Plugin; readonly isDone: () => boolean } {
  let isDone = false;
  const plugin: Plugin = {
    name: "inject-bug",
    enforce: "pre",
    transform(code, id) {
      if (bug === undefined || id !== resolve(root, bug.file)) return undefined;
      isDone = true;
      return inject(code, bug);
    },
  };
  return { plugin, isDone: () => isDone };
}

/** The text with the bug in it. Throws unless the snippet is there exactly once. */
export function inject(code: string, { name, file, find, replace }: Bug): string {
  const parts = code.split(find);
  const [before, after] = parts;
  if (parts.length !== 2 || before === undefined || after === undefined) {
    const problem = `the snippet of bug "${name}" is ${parts.length - 1} times in ${file}, not once`;
    throw new Error(`${problem}: bring test/bugs/bugs.ts up to date with that file`);
  }
  return `${before}${replace}${after}`;
}

async function load(code: string): Promise<TestBuild> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bugs-"));
  try {
    const file = join(folder, "simulation.mjs");
    writeFileSync(file, code);
    const loaded: TestBuild = await import(/* @vite-ignore */ pathToFileURL(file).href);
    return loaded;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
