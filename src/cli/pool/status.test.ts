import { expect, test } from "vitest";
import { type PoolStatus, poolReport } from "./status.ts";

const STATUS: PoolStatus = {
  queue: "logs",
  pid: 4211,
  addresses: ["127.0.0.1:7070"],
  min: 1,
  max: 8,
  target: 3,
  byHand: null,
  scaling: { waiting: 4000, running: 12, analyzersWanted: 5, targetWaitMs: 30_000 },
  problem: null,
  analyzers: [],
};
const CRASHED = {
  state: "crashed" as const,
  pid: null,
  forMs: 1200,
  restartInMs: 2800,
  lastWords: "exit status 1, oh",
};

test("says how many are up and to be, and why", () => {
  expect(poolReport(STATUS)).toEqual([
    "pool of queue logs (pid 4211): 0 up, 3 to be, 1 to 8 allowed; the node wants 5 for a wait of 30s (4,000 waiting, 12 running)",
  ]);
  expect(poolReport({ ...STATUS, byHand: 3 })[0]).toMatch(/set by hand, 'sluice pool scale QUEUE auto' ends that$/);
  expect(poolReport({ ...STATUS, scaling: null, problem: "no node" })).toEqual([
    expect.stringMatching(/the node has not said yet what it wants$/),
    "the node does not say what it wants: no node",
  ]);
});

test("shows each analyzer, and calls three crashes in a row a loop", () => {
  const analyzers: PoolStatus["analyzers"] = [
    { id: "box-1-4", state: "up", pid: 77, forMs: 65_000, crashes: 0, restartInMs: 0, lastWords: "" },
    { id: "box-1-5", crashes: 2, ...CRASHED },
    { id: "box-1-6", crashes: 3, ...CRASHED, lastWords: "x".repeat(500) },
  ];
  const [, , , up, crashed, loop] = poolReport({ ...STATUS, analyzers });
  expect(up).toBe("box-1-4   up           77  1m 5s");
  expect(crashed).toBe("box-1-5   crashed       -   1.2s  2 in a row, again in 2.8s: exit status 1, oh");
  expect(loop).toMatch(/^box-1-6 {3}crash loop +- +1.2s {2}3 in a row, again in 2.8s: x{97}\.\.\.$/);
});
