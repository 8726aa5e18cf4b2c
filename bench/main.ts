/** Entry of the bench: `npm run bench -- --help`. Exit code 0 after a complete run, 1 after any other, 2 for wrong usage. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BenchOptions, OptionsError, parseOptions, USAGE } from "./options.ts";
import { formatReport, reportJson } from "./report.ts";
import { runBench } from "./run.ts";
import { checkSmoke } from "./smoke.ts";

/** The built command line beside the built bench. */
const PROGRAM = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  try {
    return options.smoke ? await smoke(options) : await measure(options);
  } catch (error) {
    console.error(`no complete run: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

async function measure(options: BenchOptions): Promise<number> {
  const report = await runBench(options, PROGRAM);
  console.log(formatReport(report));
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, reportJson(report));
  return 0;
}

/** A small run on each store. */
async function smoke(options: BenchOptions): Promise<number> {
  const problems: string[] = [];
  for (const store of ["memory", "lmdb"] as const) {
    const report = await runBench({ ...options, store }, PROGRAM);
    console.log(formatReport(report));
    problems.push(...checkSmoke(report).map((problem) => `${store}: ${problem}`));
  }
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
