/** A report of a complete run, for tests. */
import { parseOptions } from "../options.ts";
import { durabilityOf, type Report } from "../report.ts";
import { compareShares } from "../shares.ts";

/** 1000 tasks over two analyzers with weights 3 and 1. */
export function aReport(): Report {
  const options = parseOptions(["--tasks", "1000", "--analyzers", "3,1"]);
  if (options === undefined) throw new Error("no help was asked for");
  const latency = { count: 1000, p50: 1.234, p90: 2, p99: 3, p999: 4, max: 5 };
  return {
    environment: { commit: "abc-dirty", cpu: "Cpu", cores: 2, memoryGiB: 4, node: "v24.0.0", platform: "linux x64" },
    node: { version: "0.1.0", store: "lmdb", durability: durabilityOf("lmdb") },
    options,
    tasks: 1000,
    submitSeconds: 0.5,
    submittedPerSecond: 2000,
    endToEndSeconds: 0.625,
    completedPerSecond: 1600,
    submitLatencyMs: latency,
    handlerLatencyMs: latency,
    repeatedDeliveries: 0,
    shares: compareShares([3, 1], [752, 248]),
    cpuMicrosPerTask: { client: 12.34, node: 23.46 },
  };
}
