/** What a report says. */
import { expect, test } from "vitest";
import { environment } from "./environment.ts";
import { formatReport, reportJson } from "./report.ts";
import { aReport } from "./testing/a-report.ts";

const report = aReport();

test("the text names what figures are worthless without", () => {
  const text = formatReport(report);
  for (const part of [
    "abc-dirty",
    "Cpu, 2 cores",
    "v24.0.0",
    "fsync before every OK",
    "closed loop",
    "1,600 tasks/s",
  ]) {
    expect(text).toContain(part);
  }
  expect(text).toMatch(/1 +3 +75\.00% +75\.20% +2\.0/);
  expect(text).toContain("client 12.3 us, node 23.5 us per task");
  expect(text).toContain("furthest from its share: 2.0 tasks");
});

test("processor time of a node that ran already is left out, not invented", () => {
  const text = formatReport({ ...report, cpuMicrosPerTask: { client: 12.34, node: undefined } });
  expect(text).toContain("client 12.3 us per task");
});

test("the JSON is the whole report", () => {
  expect(JSON.parse(reportJson(report))).toEqual(report);
});

test("the environment is that of this machine", () => {
  const found = environment();
  expect(found.node).toBe(process.version);
  expect(found.cores).toBeGreaterThan(0);
  expect(found.commit).not.toBe("");
});
