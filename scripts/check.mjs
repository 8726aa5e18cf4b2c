/**
 * Applies the rules of `floors.mjs` or `tidy.mjs` to every file of the project: `node scripts/check.mjs floors|tidy`.
 * Needs no build and no installed package. Exit code 1 when a rule is broken.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { floorProblems } from "./floors.mjs";
import { sourceFiles } from "./source-files.mjs";
import { tidyProblems } from "./tidy.mjs";

/** @type {Record<string, (path: string, text: string) => string[]>} */
const CHECKS = { floors: floorProblems, tidy: tidyProblems };

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const name = process.argv[2] ?? "";
const problemsOf = CHECKS[name];
if (problemsOf === undefined) {
  console.error(`Usage: node scripts/check.mjs ${Object.keys(CHECKS).join("|")}`);
  process.exit(2);
}
const files = sourceFiles(root);
const problems = files.flatMap((path) => problemsOf(path, readFileSync(join(root, path), "utf8")));
for (const problem of problems) console.error(problem);
console.log(`${name}: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
