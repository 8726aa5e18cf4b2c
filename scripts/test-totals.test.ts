/** CI's last line says what the report says. */
import { expect, test } from "vitest";
import { totalsLine, totalsOf } from "./test-totals.mjs";

const report = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

test("passed and failed tests are counted", () => {
  expect(totalsLine(totalsOf({ ...report, numFailedTests: 2 }))).toBe("7 passed, 2 failed");
});

test("skipped and planned tests are not hidden", () => {
  expect(totalsLine(totalsOf({ ...report, numPendingTests: 1, numTodoTests: 2 }))).toBe(
    "7 passed, 0 failed, 3 skipped",
  );
});

test("a file that could not be loaded is a failure", () => {
  const broken = { status: "failed", assertionResults: [] };
  expect(totalsOf({ ...report, testResults: [broken] }).failed).toBe(1);
});
