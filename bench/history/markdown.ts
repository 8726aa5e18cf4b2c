/** Tables and figures as the bench's README shows them. */
import type { Metric, RunRecord } from "./record.ts";
import { relativeSpread } from "./statistics.ts";

/** A Markdown table. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A figure of a subject, if it was measured. */
export function metricOf(record: RunRecord, subject: string, name: string): Metric | undefined {
  return record.metrics.find((metric) => metric.subject === subject && metric.name === name);
}

/** Median with half the range in percent: `12,300 ±4 %`. A dash for what was not measured. */
export function withSpread(metric: Metric | undefined): string {
  if (metric === undefined) return "–";
  if (metric.samples.length < 2) return figure(metric.median);
  return `${figure(metric.median)} ±${Math.round(relativeSpread(metric.samples) * 100)} %`;
}

/** The median alone; a dash for what was not measured. */
export function medianOf(metric: Metric | undefined): string {
  return metric === undefined ? "–" : figure(metric.median);
}

/** Three digits, more for whole numbers from 1,000. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

/** Where a record was made, in one sentence. */
export function provenance({ environment, date, repetitions }: RunRecord): string {
  const { commit, cpu, cores, memoryGiB, node, filesystem, platform } = environment;
  const times =
    repetitions === 1 ? "one repetition" : `medians of ${repetitions} interleaved repetitions, ± half the range`;
  return `Commit ${commit}, ${date.slice(0, 10)}; ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, ${filesystem}; Node.js ${node}; ${times}.`;
}
