/** Reading h2load's report. */
import { expect, test } from "vitest";
import { parseH2load } from "./h2load.ts";

const REPORT = `finished in 812.17ms, 2462.53 req/s, 250.11KB/s
requests: 2000 total, 2000 started, 2000 done, 1999 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 1999 2xx, 0 3xx, 0 4xx, 1 5xx
`;

test("rate and successes are read", () => {
  expect(parseH2load(REPORT)).toEqual({ callsPerSecond: 2462.53, succeeded: 1999 });
});

test("a run that did not finish is no run", () => {
  expect(() => parseH2load("unable to connect")).toThrow(/did not finish:\nunable to connect/);
});
