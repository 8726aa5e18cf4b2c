/** Reports that are kept: what was run, on what, and what came of it. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";

/** Writes a report with what it was run on. */
export function writeReport(file: string, report: object): void {
  const environment = {
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? "",
    cores: cpus().length,
  };
  writeFileSync(file, `${JSON.stringify({ environment, ...report }, undefined, 2)}\n`);
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
