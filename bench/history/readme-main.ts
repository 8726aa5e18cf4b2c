/**
 * Makes the tables and pictures of bench/README.md anew: `npm run bench:readme -- [bench/results/RECORD.json...]`. The records
 * named take the place of those of their kind; without any, what is shown is only made anew. Run it at the top of the project.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { peersPlot } from "./peers-plot.ts";
import { plotPathOf, recordsIn, withBlocks, withRecord } from "./readme.ts";
import { readRecord } from "./record.ts";

const FOLDER = "bench";
const README = join(FOLDER, "README.md");

let text = readFileSync(README, "utf8");
for (const path of process.argv.slice(2)) {
  text = withRecord(text, readRecord(path).kind, relative(FOLDER, path));
}
const recordAt = (path: string) => readRecord(join(FOLDER, path));
writeFileSync(README, withBlocks(text, recordAt));
for (const path of recordsIn(text)) {
  const record = recordAt(path);
  if (record.kind === "peers") writeFileSync(join(FOLDER, plotPathOf(path)), peersPlot(record));
}
