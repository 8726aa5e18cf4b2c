/**
 * The screen of `sluice top` as lines, from figures and a size alone.
 *
 *  V1  No line is longer than the columns, and there are never more lines than rows; what does not fit is counted, in a
 *      window that has a row for it.
 *  V2  The node and the queues come first: of the rows, queues get at least half before analyzers get any.
 *  V3  Of a table too wide, the columns that matter least are left out.
 */
import { type Analyzer, AnalyzerState, type Queue, type Share } from "@sluice/client/contract";
import { clip, type Palette } from "../output/colour.ts";
import { formatCount, formatDuration, formatPercent, formatPlural, shorten } from "../output/figures.ts";
import { fittingTable, type RankedColumn, widest } from "../output/fitting-table.ts";
import { shareBar } from "../output/share-bar.ts";
import { type Look, type QueueRate, ratesBetween } from "../stats/rates.ts";
import { analyzerState, nodeLine } from "../stats/report.ts";
import type { TopFigures } from "./figures.ts";

/** What there is room for. */
export interface ViewSize {
  readonly columns: number;
  /** Infinity where nothing has to fit. */
  readonly rows: number;
}

/** Characters of a name; longer ones are cut. */
const MAX_NAME = 40;
/** Widths of a share's bar, the widest that fits is taken. */
const BAR_WIDTHS = [40, 30, 20, 10] as const;
/** An empty line, a title, headings and one analyzer: less is no use. */
const MIN_SECTION_ROWS = 4;

/**
 * The screen.
 * @param hint what the user can do; shown as long as there is no problem to show
 */
export function topView(figures: TopFigures, size: ViewSize, palette: Palette, hint: string): string[] {
  const { look, earlier, problem } = figures;
  const node = look?.stats.node;
  const notice = problem === undefined ? palette.dim(hint) : palette.bad(problem);
  const lines = [...(node === undefined ? [] : [nodeLine(node, palette)]), ...(notice === "" ? [] : [notice])];
  if (look !== undefined) {
    lines.push("");
    const rates = earlier === undefined ? undefined : ratesBetween(earlier, look);
    lines.push(...queueLines(look, rates, { ...size, rows: size.rows - lines.length }, palette));
    lines.push(...analyzerLines(look, { ...size, rows: size.rows - lines.length }, palette));
  }
  return lines.slice(0, size.rows).map((line) => clip(line, size.columns).trimEnd());
}

function queueLines(
  look: Look,
  rates: ReadonlyMap<string, QueueRate> | undefined,
  size: ViewSize,
  palette: Palette,
): string[] {
  const { queues } = look.stats;
  if (queues.length === 0) return ["no queues to show: the first submit or analyzer creates one"];
  const hasShares = queues.some(({ shares }) => shares.length > 0);
  // The headings take one row.
  const room = Math.max(1, Math.floor(hasShares ? size.rows / 2 : size.rows) - 1);
  const shown = queues.length <= room ? queues : queues.slice(0, Math.max(1, room - 1));
  const rows = shown.map((queue) => queueRow(queue, rates?.get(queue.name), palette));
  const lines = fittingTable(QUEUE_COLUMNS, rows, size.columns);
  const hidden = queues.length - shown.length;
  if (hidden > 0) lines.push(palette.dim(`... and ${formatPlural(hidden, "more queue")}; --queue NAME shows one`));
  return lines;
}

const QUEUE_COLUMNS: readonly RankedColumn[] = [
  { heading: "QUEUE", align: "left", rank: 0 },
  { heading: "PENDING", align: "right", rank: 0 },
  { heading: "RUNNING", align: "right", rank: 1 },
  { heading: "SCHEDULED", align: "right", rank: 6 },
  { heading: "RETRYING", align: "right", rank: 5 },
  { heading: "COMPLETED", align: "right", rank: 4 },
  { heading: "FAILED", align: "right", rank: 3 },
  { heading: "IN/S", align: "right", rank: 2 },
  { heading: "OUT/S", align: "right", rank: 2 },
  { heading: "HEAD WAITS", align: "right", rank: 4 },
];

function queueRow(queue: Queue, rate: QueueRate | undefined, palette: Palette): string[] {
  const { counts, settings } = queue;
  const name = shorten(queue.name, MAX_NAME);
  return [
    settings?.paused === true ? `${name} ${palette.bad("(paused)")}` : name,
    formatCount(counts?.pending ?? 0),
    formatCount(counts?.running ?? 0),
    formatCount(counts?.scheduled ?? 0),
    formatCount(counts?.retrying ?? 0),
    formatCount(counts?.completed ?? 0),
    formatCount(counts?.failed ?? 0),
    rate === undefined ? "-" : formatCount(rate.submitted),
    rate === undefined ? "-" : formatCount(rate.completed),
    formatDuration(queue.headWaitMs),
  ];
}

/** A section per queue that has analyzers, as far as there is room. */
function analyzerLines({ stats }: Look, size: ViewSize, palette: Palette): string[] {
  const byId = new Map(stats.analyzers.map((analyzer) => [analyzer.id, analyzer]));
  const lines: string[] = [];
  let hidden = 0;
  for (const queue of stats.queues) {
    if (queue.shares.length === 0) continue;
    // One row is kept for what is left out.
    const room = size.rows - lines.length - 1;
    if (room < MIN_SECTION_ROWS || hidden > 0) {
      hidden += queue.shares.length;
      continue;
    }
    const shares = attachedFirst(queue.shares, byId).slice(0, room - MIN_SECTION_ROWS + 1);
    hidden += queue.shares.length - shares.length;
    lines.push("", `${palette.bold(shorten(queue.name, MAX_NAME))}: shares, # observed, | expected`);
    lines.push(...shareTable(shares, byId, size.columns, palette));
  }
  if (hidden > 0) {
    lines.push(
      palette.dim(`... and ${formatPlural(hidden, "more share")}; a higher window or --queue NAME shows them`),
    );
  }
  return lines;
}

function attachedFirst(shares: readonly Share[], byId: ReadonlyMap<string, Analyzer>): Share[] {
  const isGone = ({ analyzerId }: Share): boolean => byId.get(analyzerId)?.state === AnalyzerState.GONE;
  return [...shares.filter((share) => !isGone(share)), ...shares.filter(isGone)];
}

/** With the widest bar that leaves room for every column; when none does, columns give way to a bar of middle size. */
function shareTable(
  shares: readonly Share[],
  byId: ReadonlyMap<string, Analyzer>,
  columns: number,
  palette: Palette,
): string[] {
  const full = Math.max(Number.EPSILON, ...shares.flatMap(({ expected, observed }) => [expected, observed]));
  const table = (barWidth: number, width: number): string[] =>
    fittingTable(
      SHARE_COLUMNS,
      shares.map((share) => shareRow(share, byId.get(share.analyzerId), { full, barWidth }, palette)),
      width,
    );
  for (const barWidth of BAR_WIDTHS) {
    const lines = table(barWidth, Number.POSITIVE_INFINITY);
    if (widest(lines) <= columns) return lines;
  }
  return table(20, columns);
}

const SHARE_COLUMNS: readonly RankedColumn[] = [
  { heading: "ANALYZER", align: "left", rank: 0 },
  { heading: "STATE", align: "left", rank: 5 },
  { heading: "WEIGHT", align: "right", rank: 4 },
  { heading: "EXPECTED", align: "right", rank: 1 },
  { heading: "OBSERVED", align: "right", rank: 1 },
  { heading: "SHARE", align: "left", rank: 2 },
  { heading: "LEAD", align: "right", rank: 3 },
  { heading: "CREDIT", align: "right", rank: 6 },
  { heading: "IN FLIGHT", align: "right", rank: 6 },
  { heading: "LAST FRAME", align: "right", rank: 7 },
];

function shareRow(
  share: Share,
  analyzer: Analyzer | undefined,
  bar: { readonly full: number; readonly barWidth: number },
  palette: Palette,
): string[] {
  return [
    shorten(share.analyzerId, MAX_NAME),
    analyzer === undefined ? "" : analyzerState(analyzer.state, palette),
    String(share.weight),
    formatPercent(share.expected),
    formatPercent(share.observed),
    shareBar(share.observed, share.expected, bar.full, bar.barWidth),
    `${share.lead >= 0 ? "+" : ""}${share.lead.toFixed(1)}`,
    formatCount(analyzer?.credit ?? 0),
    formatCount(analyzer?.inFlight ?? 0),
    analyzer === undefined ? "" : `${formatDuration(analyzer.lastFrameMs)} ago`,
  ];
}
