/** The outcome of the peers bench as Markdown. */
import { cpuFigure, FIGURES } from "./figures.ts";
import { markdownTable, medianOf, metricOf, provenance, withSpread } from "./markdown.ts";
import type { RunRecord, Subject } from "./record.ts";

/** All tables: throughput and latency, processor time, what was measured in which version and what its OK is worth. */
export function peersTable(record: RunRecord): string {
  return [throughput(record), cpu(record), versions(record), ...record.notes, provenance(record)].join("\n\n");
}

function throughput(record: RunRecord): string {
  const columns = [FIGURES.single, FIGURES.batch, FIGURES.drain, FIGURES.steady, FIGURES.p50, FIGURES.p99];
  const rows = record.subjects.map((subject) => [
    nameOf(subject),
    subject.syncsBeforeAnswer ? "yes" : "no",
    ...columns.map((name) => withSpread(metricOf(record, subject.id, name))),
  ]);
  const missing = record.absent.map(({ label, reason }) => [label, "", reason, "", "", "", "", ""]);
  return markdownTable(
    [
      "tasks/s",
      "fsync before the answer",
      "single submits",
      "batches of 100",
      "drain",
      "produce + consume",
      "p50, ms",
      "p99, ms",
    ],
    [...rows, ...missing],
  );
}

function cpu(record: RunRecord): string {
  const phases = [FIGURES.latency, FIGURES.single, FIGURES.batch, FIGURES.drain, FIGURES.steady];
  const cell = (subject: string, phase: string): string => {
    const client = medianOf(metricOf(record, subject, cpuFigure(phase, "client")));
    const server = medianOf(metricOf(record, subject, cpuFigure(phase, "server")));
    return `${client} + ${server}`;
  };
  return markdownTable(
    [
      "CPU, us per task: clients + server",
      "at 1,000/s",
      "single submits",
      "batches of 100",
      "drain",
      "produce + consume",
    ],
    record.subjects.map((subject) => [nameOf(subject), ...phases.map((phase) => cell(subject.id, phase))]),
  );
}

function versions(record: RunRecord): string {
  return markdownTable(
    ["system", "server, client", "what an answered submit is worth"],
    record.subjects.map((subject) => [nameOf(subject), subject.version, subject.durability]),
  );
}

function nameOf({ id, label }: Subject): string {
  return id.startsWith("sluice") ? `**${label}**` : label;
}
