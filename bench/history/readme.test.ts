/** The README shows what its records say, and nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { aRecord } from "../testing/a-record.ts";
import { peersPlot } from "./peers-plot.ts";
import { plotPathOf, recordsIn, withBlocks, withRecord } from "./readme.ts";
import { readRecord } from "./record.ts";

const BENCH = join(import.meta.dirname, "..");
const readme = readFileSync(join(BENCH, "README.md"), "utf8");
const recordAt = (path: string) => readRecord(join(BENCH, path));

test("the tables in the README are those of its records: npm run bench:readme makes them", () => {
  expect(recordsIn(readme).length).toBeGreaterThan(0);
  expect(withBlocks(readme, recordAt)).toBe(readme);
});

test("the picture in the README is that of its record: npm run bench:readme makes it", () => {
  const paths = recordsIn(readme).filter((path) => recordAt(path).kind === "peers");
  expect(paths).toHaveLength(1);
  for (const path of paths) {
    expect(readFileSync(join(BENCH, plotPathOf(path)), "utf8")).toBe(peersPlot(recordAt(path)));
  }
});

test("a block takes the newer record of its kind, and no other block does", () => {
  const block = (path: string): string => `<!-- record: ${path} -->\nold\n<!-- end of record -->\n`;
  const text = `Text.\n${block("results/nodes-1.json")}${block("results/peers-1.json")}`;
  const changed = withRecord(text, "peers", "results/peers-2.json");
  expect(recordsIn(changed)).toEqual(["results/nodes-1.json", "results/peers-2.json"]);
  expect(() => withRecord(text, "queues", "results/queues-1.json")).toThrow(/no block/);
  const made = withBlocks(changed, () => aRecord([1]));
  expect(made).not.toContain("old");
  expect(made).toMatch(/^Text\.\n<!-- record: results\/nodes-1\.json -->\n/);
  expect(withBlocks(made, () => aRecord([1]))).toBe(made);
});
