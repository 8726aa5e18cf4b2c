/**
 * Compares two records, or two folders of them: `npm run bench:compare -- BEFORE.json AFTER.json`. Exit code 0 whatever moved, 2 for wrong usage: whether a
 * change is welcome is for people to say.
 */
import { formatComparison } from "./compare.ts";
import { readRuns } from "./record.ts";

const [before, after, ...rest] = process.argv.slice(2);
if (before === undefined || after === undefined || rest.length > 0) {
  console.error("Usage: npm run bench:compare -- BEFORE AFTER   (records, or folders of records of one bench each)");
  process.exitCode = 2;
} else {
  console.log(formatComparison(readRuns(before), readRuns(after)));
}
