/** How the record of each kind of bench is shown. */
import { markdownTable, metricOf, provenance, withSpread } from "./markdown.ts";
import { peersTable } from "./peers-table.ts";
import type { RunRecord } from "./record.ts";

/** A record as Markdown. */
export function tableOf(record: RunRecord): string {
  return record.kind === "peers" ? peersTable(record) : subjectsTable(record);
}

/** One row per figure, one column per subject. */
export function subjectsTable(record: RunRecord): string {
  const names = [...new Set(record.metrics.map(({ name }) => name))];
  const unitOf = (name: string): string => record.metrics.find((metric) => metric.name === name)?.unit ?? "";
  const rows = names.map((name) => [
    unitOf(name) === "" ? name : `${name}, ${unitOf(name)}`,
    ...record.subjects.map(({ id }) => withSpread(metricOf(record, id, name))),
  ]);
  const absent = record.absent.map(({ label, reason }) => `${label}: ${reason}`);
  const table = markdownTable(["", ...record.subjects.map(({ label }) => label)], rows);
  const durabilities = [...new Set(record.subjects.map(({ durability }) => durability))];
  return [table, ...absent, ...record.notes, `Durability: ${durabilities.join("; ")}.`, provenance(record)].join(
    "\n\n",
  );
}
