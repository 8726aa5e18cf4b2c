import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** A row of one of the page's tables. */
interface Feature {
  readonly name: string;
  readonly cells: readonly string[];
  /** The tests that prove it: path from the folder of the page, and name. */
  readonly proofs: readonly { readonly path: string; readonly test: string }[];
}

const DOCS = new URL("../../docs/", import.meta.url);
const LIFE = new URL("./", import.meta.url);
const features = readFileSync(new URL("features.md", DOCS), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| feature |"))
  .map(featureOf);

function featureOf(line: string): Feature {
  const cells = line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
  const proofs = (cells[3] ?? "").split("; ").flatMap((part) => {
    const path = /\]\(([^)]+)\)/.exec(part)?.[1] ?? "";
    return [...part.matchAll(/"([^"]+)"/g)].map(([, test = ""]) => ({ path, test }));
  });
  return { name: cells[0] ?? "", cells, proofs };
}

/** Whether a file has a test of this name: as the first argument of a call, or in a table of names. */
function hasTest(path: string, name: string): boolean {
  const file = new URL(path, DOCS);
  if (!existsSync(file)) return false;
  const text = readFileSync(file, "utf8");
  return [`it("${name}"`, `test("${name}"`, `["${name}",`].some((form) => text.includes(form));
}

describe("the page of features", () => {
  it("says of every feature what it does, how to use it and what proves it", () => {
    expect(features.length).toBeGreaterThan(50);
    for (const { cells, proofs, name } of features) {
      expect(cells.length, name).toBe(4);
      expect(
        cells.every((cell) => cell !== ""),
        name,
      ).toBe(true);
      expect(proofs.length, name).toBeGreaterThan(0);
    }
  });

  it("names only tests that exist", () => {
    const named = features.flatMap(({ proofs }) => proofs);
    expect(named.filter(({ path, test }) => !hasTest(path, test))).toEqual([]);
  });

  it("names every file of the suite, and each of them runs on every store", () => {
    const named = new Set(features.flatMap(({ proofs }) => proofs.map(({ path }) => path)));
    const files = readdirSync(LIFE).filter((file) => file.endsWith(".test.ts") && !file.endsWith("-doc.test.ts"));
    expect(files.filter((file) => !named.has(`../test/life/${file}`))).toEqual([]);
    for (const file of files)
      expect(readFileSync(new URL(file, LIFE), "utf8"), file).toContain("describeOnEveryStore(");
  });
});
