/** The outcome of a run, for people and for programs. README.md says how to read it. */
import type { Environment } from "./environment.ts";
import type { Latency } from "./measure.ts";
import type { BenchOptions } from "./options.ts";
import { type ShareRow, worstDeviation } from "./shares.ts";

/** Everything that is known of one run. */
export interface Report {
  readonly environment: Environment;
  readonly node: NodeReport;
  readonly options: BenchOptions;
  /** Tasks submitted, accepted and completed. */
  readonly tasks: number;
  /** From the first submit to the last OK. */
  readonly submitSeconds: number;
  readonly submittedPerSecond: number;
  /** From the first submit to the last completion recorded by the node. */
  readonly endToEndSeconds: number;
  readonly completedPerSecond: number;
  readonly submitLatencyMs: Latency;
  readonly handlerLatencyMs: Latency;
  /** Runs of handlers beyond one per task. */
  readonly repeatedDeliveries: number;
  readonly shares: readonly ShareRow[];
  /** Processor time per task in microseconds. `node`: undefined for a node that was running already. */
  readonly cpuMicrosPerTask: { readonly client: number; readonly node: number | undefined };
}

/** The node that was measured. */
export interface NodeReport {
  readonly version: string;
  readonly store: string;
  /** What an OK is worth. */
  readonly durability: string;
}

/** What an OK of a node with this store is worth. */
export function durabilityOf(store: string): string {
  if (store === "memory") return "none: tasks end with the process";
  if (store === "lmdb") return "fsync before every OK";
  return "as configured in the database";
}

/** The report as text. */
export function formatReport(report: Report): string {
  const { environment, node, options } = report;
  const loop = options.ratePerSecond > 0 ? `open loop at ${whole(options.ratePerSecond)} tasks/s` : "closed loop";
  return [
    `sluice bench, commit ${environment.commit}`,
    `machine      ${environment.cpu}, ${environment.cores} cores, ${environment.memoryGiB} GiB, ${environment.platform}`,
    `node.js      ${environment.node}`,
    `node         ${node.version}, store ${node.store} (${node.durability})`,
    `load         ${loop}, ${options.emitters} emitters * ${options.inFlight} calls of ${options.batch} tasks, ` +
      `${options.payloadBytes} bytes each, ${whole(options.warmup)} tasks of warm-up`,
    "",
    `tasks        ${whole(report.tasks)} submitted, accepted and completed; ${report.repeatedDeliveries} repeated deliveries`,
    `submit       ${whole(report.submittedPerSecond)} tasks/s over ${report.submitSeconds.toFixed(2)} s`,
    `end to end   ${whole(report.completedPerSecond)} tasks/s over ${report.endToEndSeconds.toFixed(2)} s`,
    `cpu          ${formatCpu(report)}`,
    "",
    "latency, ms              p50       p90       p99     p99.9       max",
    latencyRow("submit to OK", report.submitLatencyMs),
    latencyRow("submit to handler", report.handlerLatencyMs),
    "",
    "analyzer     weight  expected    actual   tasks ahead",
    ...report.shares.map(shareRow),
    `furthest from its share: ${worstDeviation(report.shares).toFixed(1)} tasks`,
    "",
  ].join("\n");
}

/** The report for programs. */
export function reportJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function formatCpu(report: Report): string {
  const { client, node } = report.cpuMicrosPerTask;
  const nodePart = node === undefined ? "" : `, node ${node.toFixed(1)} us per task`;
  return `client ${client.toFixed(1)} us${nodePart}${node === undefined ? " per task" : ""}`;
}

function latencyRow(name: string, latency: Latency): string {
  const columns = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
  return name.padEnd(18) + columns.map((ms) => ms.toFixed(2).padStart(10)).join("");
}

function shareRow(row: ShareRow, index: number): string {
  const percent = (part: number): string => `${(100 * part).toFixed(2)}%`.padStart(10);
  return [
    `${index + 1}`.padEnd(10),
    String(row.weight).padStart(9),
    percent(row.expected),
    percent(row.actual),
    // Rounded by hand: toFixed would print -0.0.
    (Math.round(row.aheadTasks * 10) / 10 + 0).toFixed(1).padStart(14),
  ].join("");
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
