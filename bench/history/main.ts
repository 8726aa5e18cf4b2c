/**
 * Compares two records: `npm run bench:compare -- A.json B.json`. Exit code 0 whatever moved, 2 for wrong usage: whether a
 * change is welcome is for people to say.
 */
import { formatComparison } from "./compare.ts";
import { readRecord } from "./record.ts";

const [before, after, ...rest] = process.argv.slice(2);
if (before === undefined || after === undefined || rest.length > 0) {
  console.error("Usage: npm run bench:compare -- BEFORE.json AFTER.json   (records in bench/results)");
  process.exitCode = 2;
} else {
  console.log(formatComparison(readRecord(before), readRecord(after)));
}
