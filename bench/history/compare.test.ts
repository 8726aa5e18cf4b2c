/** What is said to have moved. */
import { expect, test } from "vitest";
import { aRecord } from "../testing/a-record.ts";
import { compareRecords, differingConditions, formatComparison } from "./compare.ts";

const before = aRecord([100, 101, 102, 103, 104]);

test.each([
  ["samples that are wholly apart and far enough", [110, 111, 112, 113, 114], "better"],
  ["the same downwards", [90, 91, 92, 93, 94], "worse"],
  ["C1: samples among each other", [99, 101.5, 102.5, 103.5, 110], "same"],
  ["C2: apart, but by less than matters", [104.5, 104.6, 104.7, 104.8, 104.9], "same"],
  ["three samples, which can be enough against five", [200, 201, 202], "better"],
  ["two samples, which cannot", [200, 201], "too few samples"],
])("%s", (_name, samples, verdict) => {
  expect(compareRecords(before, aRecord(samples)).map((comparison) => comparison.verdict)).toEqual([verdict]);
});

test("three against three never decide anything", () => {
  const [comparison] = compareRecords(aRecord([1, 2, 3]), aRecord([100, 200, 300]));
  expect(comparison?.verdict).toBe("too few samples");
  expect(formatComparison(aRecord([1, 2, 3]), aRecord([100, 200, 300]))).toContain("at least 4 repetitions");
});

test("what is lower when better gets worse when it rises", () => {
  const latency = (samples: readonly number[]) => {
    const record = aRecord(samples);
    return { ...record, metrics: record.metrics.map((metric) => ({ ...metric, better: "lower" as const })) };
  };
  expect(compareRecords(latency([1, 2, 3, 4]), latency([5, 6, 7, 8]))[0]?.verdict).toBe("worse");
});

test("figures that one record lacks, or that only explain others, are left out", () => {
  expect(compareRecords(before, { ...before, metrics: [] })).toEqual([]);
  const explaining = {
    ...before,
    metrics: before.metrics.map((metric) => ({ ...metric, better: "neither" as const })),
  };
  expect(compareRecords(explaining, explaining)).toEqual([]);
});

test("a run on another Node.js, or in another durability, is not passed off as the same", () => {
  const after = aRecord([1], {
    environment: { ...before.environment, node: "v20.20.0" },
    subjects: before.subjects.map((subject) => ({ ...subject, durability: "none" })),
  });
  expect(differingConditions(before, after)).toEqual([
    "node: v24.0.0 -> v20.20.0",
    "durability of sluice: on paper -> none",
    "durability of peer: on paper -> none",
  ]);
  expect(formatComparison(before, after)).toContain("! not the same: node: v24.0.0 -> v20.20.0");
  expect(differingConditions(before, before)).toEqual([]);
});

test("what has moved is printed with medians, change and p", () => {
  const text = formatComparison(before, aRecord([110, 111, 112, 113, 114]));
  expect(text).toMatch(/^better +sluice: steady +102 -> 112 tasks\/s +\+9\.8 % +p = 0\.008$/m);
  expect(text).toContain("1 of 1 figures have moved");
});
