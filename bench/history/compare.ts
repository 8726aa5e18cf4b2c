/**
 * What differs between two records of the same bench by more than the noise within them.
 *
 * A figure has moved when both hold:
 *  C1  The rank-sum test gives p <= ALPHA: if nothing had changed, chance would divide the samples so unevenly in at most
 *      that part of the cases. It looks at the order of the samples only, so one outlier does not matter.
 *  C2  The medians differ by at least MIN_CHANGE: what is smaller does not matter to anybody, however certain it is.
 * Sets that are too small for C1 whatever they show (fewer than 4 + 4) are told apart from those that show nothing.
 */
import type { Metric, RunRecord } from "./record.ts";
import { rankSumP, smallestP } from "./statistics.ts";

/** Of figures that have not moved, this part is reported as moved. */
export const ALPHA = 0.05;
/** Smallest change of a median that is reported, as a part. */
export const MIN_CHANGE = 0.03;

/** What became of a figure. */
export type Verdict = "better" | "worse" | "same" | "too few samples";

/** One figure in both records. */
export interface Comparison {
  readonly subject: string;
  readonly name: string;
  readonly unit: string;
  readonly before: Metric;
  readonly after: Metric;
  /** Median after over median before. */
  readonly ratio: number;
  readonly p: number;
  readonly verdict: Verdict;
}

/** Compares all figures that both have; those that only explain others are left out. */
export function compareRecords(before: RunRecord, after: RunRecord): Comparison[] {
  return before.metrics.flatMap((metric) => {
    const other = after.metrics.find(({ subject, name }) => subject === metric.subject && name === metric.name);
    return other === undefined || metric.better === "neither" ? [] : [compareMetrics(metric, other)];
  });
}

/** Where the records were not made under the same conditions, which the figures cannot tell from a change of the code. */
export function differingConditions(before: RunRecord, after: RunRecord): string[] {
  const conditions = (record: RunRecord): Record<string, string> => ({
    kind: record.kind,
    cpu: record.environment.cpu,
    cores: String(record.environment.cores),
    node: record.environment.node,
    platform: record.environment.platform,
    filesystem: record.environment.filesystem,
    settings: JSON.stringify(record.settings),
    ...Object.fromEntries(record.subjects.map(({ id, durability }) => [`durability of ${id}`, durability])),
  });
  const [old, recent] = [conditions(before), conditions(after)];
  return Object.keys(old)
    .filter((name) => recent[name] !== undefined && recent[name] !== old[name])
    .map((name) => `${name}: ${old[name]} -> ${recent[name]}`);
}

/** The comparison as text, what has moved first. */
export function formatComparison(before: RunRecord, after: RunRecord): string {
  const comparisons = compareRecords(before, after);
  const moved = comparisons.filter(({ verdict }) => verdict === "better" || verdict === "worse");
  const undecided = comparisons.filter(({ verdict }) => verdict === "too few samples");
  const differing = differingConditions(before, after).map((condition) => `! not the same: ${condition}`);
  return [
    `before  ${before.environment.commit}  ${before.date}  ${before.repetitions} repetitions`,
    `after   ${after.environment.commit}  ${after.date}  ${after.repetitions} repetitions`,
    ...differing,
    "",
    ...moved.map(line),
    `${moved.length} of ${comparisons.length} figures have moved beyond the noise (p <= ${ALPHA} and ${MIN_CHANGE * 100} %).`,
    ...(undecided.length === 0
      ? [
          `If nothing had changed, about ${(ALPHA * comparisons.length).toFixed(1)} would be expected to seem so at most.`,
        ]
      : [
          "",
          ...undecided.map(line),
          `${undecided.length} cannot be decided with so few samples: make at least 4 repetitions of each, better 5.`,
        ]),
    "",
  ].join("\n");
}

function compareMetrics(before: Metric, after: Metric): Comparison {
  const p = rankSumP(before.samples, after.samples);
  // Two medians of 0 are the same; from 0 to anything is endlessly more.
  const ratio = before.median === after.median ? 1 : after.median / before.median;
  return {
    subject: before.subject,
    name: before.name,
    unit: before.unit,
    before,
    after,
    ratio,
    p,
    verdict: verdictOf(before, after, ratio, p),
  };
}

function verdictOf(before: Metric, after: Metric, ratio: number, p: number): Verdict {
  if (smallestP(before.samples.length, after.samples.length) > ALPHA) return "too few samples";
  if (!(p <= ALPHA) || Math.abs(ratio - 1) < MIN_CHANGE) return "same";
  return ratio > 1 === (before.better === "higher") ? "better" : "worse";
}

function line({ subject, name, unit, before, after, ratio, p, verdict }: Comparison): string {
  const change = `${ratio >= 1 ? "+" : ""}${((ratio - 1) * 100).toFixed(1)} %`;
  const word = verdict === "too few samples" ? "?" : verdict;
  return [
    word.padEnd(7),
    `${subject}: ${name}`.padEnd(52),
    `${figure(before.median)} -> ${figure(after.median)} ${unit}`.padEnd(36),
    change.padStart(9),
    `  p = ${p.toFixed(3)}`,
  ].join("");
}

function figure(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}
