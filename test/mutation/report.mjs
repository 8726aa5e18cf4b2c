/**
 * Writes what the last run of mutation testing found into results.json: `npm run mutation:report` after `npm run mutation`.
 *
 * Refuses a run that did not cover every file, or that is older than one of them.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { mutatedFiles } from "./files.mjs";

/** @typedef {{status: string}} Mutant */

const root = new URL("../../", import.meta.url);
const reportPath = new URL("coverage/mutation/mutation.json", root);

/**
 * The score is the part of the mutants that made a test fail or run on for ever, in per cent; ignored ones do not count.
 *
 * @param {readonly Mutant[]} mutants
 */
function count(mutants) {
  const of = (/** @type {string} */ status) => mutants.filter((mutant) => mutant.status === status).length;
  const counts = { killed: of("Killed"), timeout: of("Timeout"), survived: of("Survived"), untested: of("NoCoverage") };
  const all = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const ignored = of("Ignored");
  if (all + ignored !== mutants.length) throw new Error("some mutants could not be judged: look at the report");
  return { score: Math.round((10_000 * (counts.killed + counts.timeout)) / all) / 100, ...counts, ignored };
}

/** @type {{files: Record<string, {mutants: Mutant[]}>}} */
const report = JSON.parse(readFileSync(reportPath, "utf8"));
const mutants = mutatedFiles().map((path) => {
  const found = report.files[path];
  if (found === undefined) throw new Error(`the last run did not mutate ${path}: npm run mutation`);
  if (statSync(reportPath).mtimeMs < statSync(new URL(path, root)).mtimeMs) {
    throw new Error(`${path} is newer than the last run: npm run mutation`);
  }
  return { path, mutants: found.mutants };
});
const results = {
  date: new Date().toISOString().slice(0, 10),
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: fileURLToPath(root), encoding: "utf8" }).trim(),
  all: count(mutants.flatMap((file) => file.mutants)),
  files: Object.fromEntries(mutants.map((file) => [file.path, count(file.mutants)])),
};
writeFileSync(new URL("results.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
console.log(`${results.all.score} %`);
