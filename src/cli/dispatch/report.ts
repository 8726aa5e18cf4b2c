/** What `sluice dispatch` prints: a line per task, then what was gained by running them side by side. */
import type { Palette } from "../output/colour.ts";
import { formatCount, formatDuration, formatPlural, shorten } from "../output/figures.ts";
import { formatTable, numberColumn, textColumn } from "../output/table.ts";
import type { Ending } from "./ending.ts";

/** Everything that happened. */
export interface DispatchReport {
  /** In the order of the file. */
  readonly endings: readonly Ending[];
  /** From the first submit to the last ending. */
  readonly wallMs: number;
}

/** Characters of a result, or of an error, in the table. */
const MAX_RESULT = 60;
/** Characters of a name in the table. */
const MAX_NAME = 40;

/** The report for programs. `result` is null for nothing and for bytes that are no text. */
export function reportJson({ endings, wallMs }: DispatchReport): string {
  const executionMs = sequentialMs(endings);
  const tasks = endings.map(({ result, problem, ...facts }) => ({
    ...facts,
    result: result ?? null,
    problem: problem ?? null,
  }));
  const totals = { wallMs: Math.round(wallMs), executionMs, speedUp: Number(speedUp(executionMs, wallMs).toFixed(2)) };
  return JSON.stringify({ ok: endings.every(isFine), tasks, ...totals }, undefined, 2);
}

/** The report for people. */
export function reportLines({ endings, wallMs }: DispatchReport, palette: Palette): string[] {
  const executionMs = sequentialMs(endings);
  const bad = endings.filter((ending) => !isFine(ending));
  return [
    ...endingTable(endings, palette),
    "",
    countsLine(endings),
    `${formatDuration(wallMs)} by the clock, ${formatDuration(executionMs)} if run one after the other: ` +
      `${speedUp(executionMs, wallMs).toFixed(1)} times as fast`,
    ...bad.map(({ name, problem }) => `${palette.bad("failed:")} ${name}: ${problem}`),
  ];
}

/** Completed, and where it should. */
export function isFine({ problem }: Ending): boolean {
  return problem === undefined;
}

function endingTable(endings: readonly Ending[], palette: Palette): string[] {
  return formatTable(
    [
      ...["TASK", "STATE", "ANALYZER"].map(textColumn),
      ...["EXECUTION", "ATTEMPTS", "RETRIES"].map(numberColumn),
      textColumn("RESULT"),
    ],
    endings.map((ending) => [
      shorten(ending.name, MAX_NAME),
      isFine(ending) ? palette.good(ending.state) : palette.bad(stateText(ending)),
      ending.analyzer,
      formatDuration(ending.executionMs),
      formatCount(ending.attempts),
      formatCount(ending.retries),
      resultText(ending),
    ]),
  );
}

/** A completed task with a problem ran where it was not expected. */
function stateText({ state }: Ending): string {
  return state === "completed" ? "completed (unexpected)" : state;
}

function resultText({ result, state, problem }: Ending): string {
  if (result === undefined) return state === "completed" ? "" : shorten(oneLine(problem ?? ""), MAX_RESULT);
  return shorten(oneLine(typeof result === "string" ? result : JSON.stringify(result)), MAX_RESULT);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function countsLine(endings: readonly Ending[]): string {
  const counts = new Map<string, number>();
  for (const ending of endings) {
    const state = isFine(ending) ? ending.state : stateText(ending);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const parts = [...counts].map(([state, count]) => `${formatCount(count)} ${state}`);
  return `${formatPlural(endings.length, "task")}: ${parts.join(", ")}`;
}

function sequentialMs(endings: readonly Ending[]): number {
  return endings.reduce((sum, ending) => sum + ending.executionMs, 0);
}

function speedUp(executionMs: number, wallMs: number): number {
  return executionMs / Math.max(1, wallMs);
}
