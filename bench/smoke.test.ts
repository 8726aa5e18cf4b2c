/** A smoke run that was not complete is noticed. */
import { expect, test } from "vitest";
import { compareShares } from "./shares.ts";
import { checkSmoke } from "./smoke.ts";
import { aReport } from "./testing/a-report.ts";

const good = aReport();

test("a complete run is well", () => {
  expect(checkSmoke(good)).toEqual([]);
});

test.each([
  ["too few tasks", { tasks: good.tasks - 1 }],
  ["a task not accepted", { submitLatencyMs: { ...good.submitLatencyMs, count: good.tasks - 1 } }],
  ["a task not handled", { handlerLatencyMs: { ...good.handlerLatencyMs, count: good.tasks - 1 } }],
  ["a repeated delivery", { repeatedDeliveries: 1 }],
  ["another store", { node: { ...good.node, store: "memory" } }],
  ["an analyzer without work", { shares: compareShares([1, 1], [good.tasks, 0]) }],
])("%s is a problem", (_name, change) => {
  expect(checkSmoke({ ...good, ...change }).length).toBeGreaterThan(0);
});
