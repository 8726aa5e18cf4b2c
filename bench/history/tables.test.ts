/** Tables and pictures made of records. */
import { expect, test } from "vitest";
import { aRecord } from "../testing/a-record.ts";
import { figure, withSpread } from "./markdown.ts";
import { peersPlot } from "./peers-plot.ts";
import { tableOf } from "./tables.ts";

test("figures have three digits, and thousands are grouped", () => {
  expect([0.1234, 12.34, 123.4, 12_345.6].map(figure)).toEqual(["0.12", "12.3", "123", "12,346"]);
});

test("a single sample has no spread, and what was not measured is a dash", () => {
  expect(withSpread(aRecord([100]).metrics[0])).toBe("100");
  expect(withSpread(aRecord([90, 100, 110]).metrics[0])).toBe("100 ±10 %");
  expect(withSpread(undefined)).toBe("–");
});

test("the table of the peers names durability, absence and machine", () => {
  const table = tableOf(aRecord([90, 100, 110]));
  expect(table).toContain("| **The <sluice>** | yes | – | – | – | 100 ±10 % | – | – |");
  expect(table).toContain("| The <peer> | no |");
  expect(table).toContain("| Gone |  | not installed: apt install gone |");
  expect(table).toContain("| The <peer> | 1.0 | on paper |");
  expect(table).toContain("Commit 0123456789ab, 2026-01-31; Cpu, 2 cores");
});

test("other records have a column for each subject", () => {
  const table = tableOf(aRecord([90, 100, 110], { kind: "nodes", notes: ["A note."] }));
  expect(table).toContain("|  | The <sluice> | The <peer> |");
  expect(table).toContain("| steady, tasks/s | 100 ±10 % | – |");
  expect(table).toContain("A note.\n\nDurability: on paper.");
});

test("the picture has a bar for what was measured and is well-formed", () => {
  const picture = peersPlot(aRecord([90, 100, 110]));
  expect(picture).toContain(">100</text>");
  expect(picture).toContain("The &lt;peer&gt;");
  expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  expect(picture.match(/<g /g)?.length).toBe(picture.match(/<\/g>/g)?.length);
});
