/** Names of the figures of the peers bench, as they stand in its records. */

/** Rates and latencies. */
export const FIGURES = {
  /** The phase of the latencies, for its processor time. */
  latency: "latency",
  single: "single submits",
  batch: "batches",
  drain: "drain",
  steady: "steady",
  p50: "latency p50",
  p99: "latency p99",
  latencyMax: "latency max",
  repeated: "repeated deliveries",
} as const;

/** Processor time per task in a phase, of the clients or of the server. */
export function cpuFigure(phase: string, side: "client" | "server"): string {
  return `${phase}, ${side} cpu`;
}
