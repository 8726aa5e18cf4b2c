/** The figures of a node as tables for people. */
import { type Analyzer, AnalyzerState, type Node, type Queue } from "@sluice/client/contract";
import type { Palette } from "../output/colour.ts";
import { formatBytes, formatCount, formatDuration, formatPercent, formatPlural } from "../output/figures.ts";
import { formatTable, numberColumn, textColumn } from "../output/table.ts";
import { type Look, ratesBetween } from "./rates.ts";

/** All figures as lines. With an earlier look of the same node, rates are shown too. */
export function statsReport(look: Look, earlier: Look | undefined, palette: Palette): string[] {
  const { node, queues, analyzers } = look.stats;
  const lines = node === undefined ? [] : [nodeLine(node, palette)];
  if (queues.length === 0) return [...lines, "", "no queues to show: the first submit or analyzer creates one"];
  lines.push("", ...queueTable(look, earlier, palette));
  for (const queue of queues) {
    if (queue.shares.length === 0) continue;
    lines.push("", `${palette.bold(queue.name)}: shares`, ...shareTable(queue, analyzers, palette));
  }
  return lines;
}

/** The node that answers, as a line. */
export function nodeLine(node: Node, palette: Palette): string {
  const facts = [
    `sluice ${node.version}`,
    `up ${formatDuration(node.uptimeMs)}`,
    `store ${node.store}`,
    `epoch ${node.epoch}`,
    formatPlural(node.sessions, "session"),
    formatPlural(node.leases, "lease"),
  ];
  if (node.draining) facts.push(palette.bad("draining"));
  if (node.diskLow) facts.push(palette.bad(`disk low, ${formatBytes(node.freeBytes ?? 0)} left: submits are refused`));
  if (node.holdMs > 0) facts.push(palette.bad(`dispatch held for ${formatDuration(node.holdMs)}`));
  return facts.join(", ");
}

function queueTable(look: Look, earlier: Look | undefined, palette: Palette): string[] {
  const columns = [
    textColumn("QUEUE"),
    ...["PENDING", "RUNNING", "SCHEDULED", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"].map(numberColumn),
    numberColumn("WAITING BYTES"),
    numberColumn("HEAD WAITS"),
  ];
  const rates = earlier === undefined ? undefined : ratesBetween(earlier, look);
  if (rates !== undefined) columns.push(numberColumn("SUBMITTED/S"), numberColumn("COMPLETED/S"));
  const rows = look.stats.queues.map((queue) => {
    const { counts, name, settings } = queue;
    const row = [
      settings?.paused === true ? `${name} ${palette.bad("(paused)")}` : name,
      formatCount(counts?.pending ?? 0),
      formatCount(counts?.running ?? 0),
      formatCount(counts?.scheduled ?? 0),
      formatCount(counts?.retrying ?? 0),
      formatCount(counts?.completed ?? 0),
      formatCount(counts?.failed ?? 0),
      formatCount(counts?.cancelled ?? 0),
      formatBytes(counts?.waitingBytes ?? 0),
      formatDuration(queue.headWaitMs),
    ];
    const rate = rates?.get(name);
    if (rates !== undefined) row.push(formatCount(rate?.submitted ?? 0), formatCount(rate?.completed ?? 0));
    return row;
  });
  return formatTable(columns, rows);
}

function shareTable(queue: Queue, analyzers: readonly Analyzer[], palette: Palette): string[] {
  const byId = new Map(analyzers.map((analyzer) => [analyzer.id, analyzer]));
  return formatTable(
    [
      textColumn("ANALYZER"),
      textColumn("STATE"),
      ...["WEIGHT", "EXPECTED", "OBSERVED", "LEAD", "CREDIT", "IN FLIGHT", "DELIVERED", "COMPLETED", "FAILED"].map(
        numberColumn,
      ),
    ],
    queue.shares.map((share) => {
      const analyzer = byId.get(share.analyzerId);
      return [
        share.analyzerId,
        analyzer === undefined ? "" : analyzerState(analyzer.state, palette),
        String(share.weight),
        formatPercent(share.expected),
        formatPercent(share.observed),
        `${share.lead >= 0 ? "+" : ""}${share.lead.toFixed(1)}`,
        formatCount(analyzer?.credit ?? 0),
        formatCount(analyzer?.inFlight ?? 0),
        formatCount(share.delivered),
        formatCount(share.completed),
        formatCount(share.failed),
      ];
    }),
  );
}

/** The state as a word, as the design names it in lower case. */
export function analyzerState(state: AnalyzerState, palette: Palette): string {
  switch (state) {
    case AnalyzerState.ATTACHED:
      return palette.good("attached");
    case AnalyzerState.DRAINING:
      return "draining";
    case AnalyzerState.DETACHED:
      return palette.bad("detached");
    case AnalyzerState.GONE:
      return palette.dim("gone");
    default:
      return "unknown";
  }
}
