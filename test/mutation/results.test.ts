import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LEFT_OUT, mutatedFiles } from "./files.mjs";

interface Counts {
  readonly score: number;
  readonly survived: number;
  readonly untested: number;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const results: { readonly all: Counts; readonly files: Readonly<Record<string, Counts>> } = JSON.parse(
  read("results.json"),
);

test("the results are of the files that are mutated, and what is left out exists", () => {
  expect(Object.keys(results.files).sort()).toEqual(mutatedFiles());
  for (const path of Object.keys(LEFT_OUT)) expect(read(`../../${path}`), path).not.toBe("");
});

test("the score is at least 85 %, and what the documentation says", () => {
  expect(results.all.score).toBeGreaterThanOrEqual(85);
  expect(read("../README.md")).toContain(`${results.all.score} %`);
});

test("what has survived is explained, file by file", () => {
  const explained = read("survivors.md");
  for (const [path, { survived, untested }] of Object.entries(results.files)) {
    if (survived + untested > 0) expect(explained).toContain(`\`${path}\``);
  }
});
