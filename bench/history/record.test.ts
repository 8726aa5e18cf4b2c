/** Records on disk. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { aRecord } from "../testing/a-record.ts";
import { readRecord, readRuns, recordOf, Samples, writeRecord } from "./record.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-record-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a record is read as it was written", () => {
  const path = join(folder, "new-folder", "record.json");
  writeRecord(path, aRecord([1, 2]));
  expect(readRecord(path)).toEqual(aRecord([1, 2]));
});

test("a file that is no record is refused by its name", () => {
  const path = join(folder, "other.json");
  writeFileSync(path, `{"format": 2}`);
  expect(() => readRecord(path)).toThrow(/other\.json is not the record/);
});

test("a folder of records is read as one run", () => {
  const runs = join(folder, "runs");
  writeRecord(join(runs, "2.json"), aRecord([3, 4]));
  writeRecord(join(runs, "1.json"), aRecord([1, 2]));
  writeFileSync(join(runs, "notes.txt"), "no record");
  expect(readRuns(runs)).toEqual(aRecord([1, 2, 3, 4]));
  expect(readRuns(join(runs, "1.json"))).toEqual(aRecord([1, 2]));
  rmSync(runs, { recursive: true });
});

test("samples of a figure are collected in order, with their median and range", () => {
  const samples = new Samples();
  const rate = { name: "rate", unit: "tasks/s", better: "higher" } as const;
  samples.add({ subject: "a", ...rate }, 3);
  samples.add({ subject: "b", ...rate }, 7);
  samples.add({ subject: "a", ...rate }, 1);
  expect(samples.metrics()).toEqual([
    { subject: "a", ...rate, samples: [3, 1], median: 2, min: 1, max: 3 },
    { subject: "b", ...rate, samples: [7], median: 7, min: 7, max: 7 },
  ]);
});

test("a record says where it was made", () => {
  const { environment: _, format: __, ...run } = aRecord([1]);
  const { environment } = recordOf(run);
  expect(environment.node).toBe(process.version);
  expect(environment.cores).toBeGreaterThan(0);
  expect(environment.filesystem).not.toBe("");
});
