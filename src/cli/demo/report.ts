/** What the demo prints at its end, and whether it went well. */
import type { Palette } from "../output/colour.ts";
import { formatCount, formatDuration, formatPercent } from "../output/figures.ts";
import { formatTable, numberColumn, textColumn } from "../output/table.ts";
import { largestError, MAX_SHARE_ERROR, type ShareRow } from "./shares.ts";

/** The killing of an analyzer. */
export interface Crash {
  readonly analyzerId: string;
  /** Tasks that it held at the last look before it was killed. */
  readonly inFlight: number;
}

/** Shares over one stretch of the run. */
export interface Stretch {
  readonly title: string;
  readonly rows: readonly ShareRow[];
}

/** What happened. */
export interface DemoOutcome {
  readonly emitters: number;
  readonly emitted: number;
  readonly accepted: number;
  /** Counts of the node at the end. */
  readonly completed: number;
  readonly failed: number;
  /** Deliveries that were lost with their analyzer and made again. */
  readonly redelivered: number;
  readonly elapsedMs: number;
  readonly stretches: readonly Stretch[];
  readonly crash: Crash | undefined;
  /** What did not end in order. */
  readonly disorder: readonly string[];
}

/** What is wrong with an outcome; empty when all promises were kept. */
export function findProblems(outcome: DemoOutcome): string[] {
  const problems = [...outcome.disorder];
  const { emitted, accepted, completed, failed } = outcome;
  if (accepted < emitted) problems.push(`${formatCount(emitted - accepted)} messages were not accepted`);
  if (completed < accepted) problems.push(`${formatCount(accepted - completed)} accepted tasks were not completed`);
  if (completed > accepted) problems.push(`${formatCount(completed - accepted)} tasks too many were completed`);
  if (failed > 0) problems.push(`${formatCount(failed)} tasks became dead letters`);
  for (const { title, rows } of outcome.stretches) {
    const error = largestError(rows);
    if (error > MAX_SHARE_ERROR) problems.push(`${title}: a share is off by ${formatPoints(error)}`);
  }
  return problems;
}

/** The outcome as JSON. */
export function outcomeJson(outcome: DemoOutcome, problems: readonly string[]): string {
  const { disorder: _, elapsedMs, ...facts } = outcome;
  return JSON.stringify(
    { ok: problems.length === 0, problems, elapsedMs: Math.round(elapsedMs), ...facts },
    undefined,
    2,
  );
}

/** The outcome as lines for people. */
export function outcomeLines(outcome: DemoOutcome, problems: readonly string[], palette: Palette): string[] {
  const { emitted, completed, accepted, elapsedMs, crash, redelivered } = outcome;
  const lines = outcome.stretches.flatMap((stretch) => ["", palette.bold(stretch.title), ...shareTable(stretch.rows)]);
  lines.push(
    "",
    `${formatCount(emitted)} messages from ${outcome.emitters} emitters, ${formatCount(completed)} completed, ` +
      `${formatCount(Math.max(0, accepted - completed))} lost, in ${formatDuration(elapsedMs)}`,
  );
  if (crash !== undefined) {
    lines.push(`tasks that ${crash.analyzerId} held when it was killed and others got: ${formatCount(redelivered)}`);
  }
  for (const problem of problems) lines.push(`${palette.bad("failed:")} ${problem}`);
  if (problems.length === 0) {
    const errors = outcome.stretches.map((stretch) => largestError(stretch.rows));
    lines.push(`${palette.good("ok:")} every share within ${formatPoints(Math.max(...errors))} of its weight`);
  }
  return lines;
}

/** Shares as they were against what weights promise. */
export function shareTable(rows: readonly ShareRow[]): string[] {
  return formatTable(
    [textColumn("ANALYZER"), ...["WEIGHT", "COMPLETED", "ACTUAL", "EXPECTED", "OFF BY"].map(numberColumn)],
    rows.map((row) => [
      row.analyzerId,
      String(row.weight),
      formatCount(row.completed),
      formatPercent(row.actual),
      formatPercent(row.expected),
      formatSigned(row.actual - row.expected),
    ]),
  );
}

/** With its sign; what rounds to nothing has none. */
function formatSigned(part: number): string {
  const text = formatPercent(Math.abs(part));
  if (text === formatPercent(0)) return text;
  return part < 0 ? `-${text}` : `+${text}`;
}

/** A distance between shares: points are what is subtracted from percent. */
function formatPoints(distance: number): string {
  return `${(distance * 100).toFixed(1)} points`;
}
