/**
 * The outcome of the peers bench as an SVG picture: one panel of bars per phase, the range of the samples as a line on each
 * bar, and a panel of latencies on a logarithmic scale. Systems that sync before they answer are told apart by colour.
 */
import { FIGURES } from "./figures.ts";
import { figure, metricOf } from "./markdown.ts";
import type { Metric, RunRecord, Subject } from "./record.ts";

const PANEL_WIDTH = 500;
const LABEL_WIDTH = 230;
const BAR_WIDTH = 190;
const ROW_HEIGHT = 20;
const TITLE_HEIGHT = 34;
const LEGEND_HEIGHT = 40;
const MARGIN = 12;
const COLOURS = { own: "#0b6e4f", syncing: "#3b6fb6", other: "#b8bfc9", range: "#222222", text: "#222222" };

const RATES = [
  { name: FIGURES.single, title: "Single submits, 64 in flight, tasks/s" },
  { name: FIGURES.batch, title: "Batches of 100, tasks/s" },
  { name: FIGURES.drain, title: "Drain, 4 workers with 100 in hand, tasks/s" },
  { name: FIGURES.steady, title: "Produce and consume, tasks/s" },
];

/** The picture of a record. */
export function peersPlot(record: RunRecord): string {
  const panels = [
    ...RATES.map(({ name, title }) => ratePanel(record, name, title)),
    latencyPanel(record, FIGURES.p50, "Latency at 1,000/s, median, ms (logarithmic)"),
    latencyPanel(record, FIGURES.p99, "Latency at 1,000/s, 99th percentile, ms (logarithmic)"),
  ];
  const panelHeight = TITLE_HEIGHT + record.subjects.length * ROW_HEIGHT + MARGIN;
  const width = 2 * PANEL_WIDTH;
  const height = LEGEND_HEIGHT + Math.ceil(panels.length / 2) * panelHeight;
  const placed = panels.map((panel, index) => {
    const x = (index % 2) * PANEL_WIDTH;
    const y = LEGEND_HEIGHT + Math.floor(index / 2) * panelHeight;
    return `<g transform="translate(${x} ${y})">\n${panel}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `font-family="system-ui, sans-serif" font-size="12" fill="${COLOURS.text}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    legend(),
    ...placed,
    "</svg>",
    "",
  ].join("\n");
}

function legend(): string {
  const entries = [
    { colour: COLOURS.own, text: "Sluice, fsync before the answer" },
    { colour: COLOURS.syncing, text: "peer, fsync before the answer" },
    { colour: COLOURS.other, text: "peer, no fsync before the answer" },
  ];
  return entries
    .map(({ colour, text }, index) => {
      const x = MARGIN + index * 260;
      return `<rect x="${x}" y="14" width="12" height="12" fill="${colour}"/><text x="${x + 18}" y="24">${text}</text>`;
    })
    .join("\n");
}

function ratePanel(record: RunRecord, name: string, title: string): string {
  const most = Math.max(1, ...record.metrics.filter((metric) => metric.name === name).map(({ max }) => max));
  return panel(record, name, title, (value) => value / most);
}

function latencyPanel(record: RunRecord, name: string, title: string): string {
  const metrics = record.metrics.filter((metric) => metric.name === name && metric.min > 0);
  const low = Math.log10(Math.min(1, ...metrics.map(({ min }) => min))) - 0.3;
  const high = Math.log10(Math.max(1, ...metrics.map(({ max }) => max)));
  return panel(record, name, title, (value) => (value <= 0 ? 0 : (Math.log10(value) - low) / (high - low)));
}

function panel(record: RunRecord, name: string, title: string, scale: (value: number) => number): string {
  const rows = record.subjects.map((subject, index) => {
    const y = TITLE_HEIGHT + index * ROW_HEIGHT;
    const label = `<text x="${LABEL_WIDTH - 6}" y="${y + 11}" text-anchor="end" font-size="11">${escaped(subject.label)}</text>`;
    return `${label}${bar(metricOf(record, subject.id, name), subject, y, scale)}`;
  });
  return [`<text x="${MARGIN}" y="20" font-weight="600">${escaped(title)}</text>`, ...rows].join("\n");
}

function bar(metric: Metric | undefined, subject: Subject, y: number, scale: (value: number) => number): string {
  if (metric === undefined) return "";
  const at = (value: number): string => (LABEL_WIDTH + scale(value) * BAR_WIDTH).toFixed(1);
  const width = (scale(metric.median) * BAR_WIDTH).toFixed(1);
  const textX = (LABEL_WIDTH + scale(metric.max) * BAR_WIDTH + 5).toFixed(1);
  return [
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="14" fill="${colourOf(subject)}"/>`,
    `<path d="M${at(metric.min)} ${y + 7}H${at(metric.max)}" stroke="${COLOURS.range}" stroke-width="2"/>`,
    `<text x="${textX}" y="${y + 11}" font-size="11">${figure(metric.median)}</text>`,
  ].join("");
}

function colourOf({ id, syncsBeforeAnswer }: Subject): string {
  if (id.startsWith("sluice")) return COLOURS.own;
  return syncsBeforeAnswer ? COLOURS.syncing : COLOURS.other;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
