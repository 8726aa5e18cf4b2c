/**
 * Sums up the report that the test runner wrote: prints `N passed, N failed` (and `, N skipped`), the last line of CI.
 * Exit code 1 when there is no report, when it counts no test, or when something failed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where `verify.mjs` has the report written. */
export const REPORT_PATH = join(fileURLToPath(new URL("..", import.meta.url)), "dist", "verify", "tests.json");

/**
 * @typedef {object} Totals
 * @property {number} passed
 * @property {number} failed A file that could not even be loaded counts as one.
 * @property {number} skipped
 */

/**
 * @param {{numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: {status: string, assertionResults: unknown[]}[]}} report As written by vitest's JSON reporter.
 * @returns {Totals}
 */
export function totalsOf(report) {
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * @param {Totals} totals
 * @returns {string} The line.
 */
export function totalsLine(totals) {
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
  return `${totals.passed} passed, ${totals.failed} failed${skipped}`;
}

/** @returns {Totals} What the report on disk says; nothing at all when there is none. */
function readTotals() {
  try {
    return totalsOf(JSON.parse(readFileSync(REPORT_PATH, "utf8")));
  } catch (error) {
    console.error(`No test report: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const totals = readTotals();
  console.log(totalsLine(totals));
  process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
}
