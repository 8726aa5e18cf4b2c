/** What a run found, for people and for programs. */
import { cpus, release } from "node:os";
import type { AbuseResult } from "./run.ts";

const MIB = 1024 * 1024;

/** How much worse things may get. */
export interface Bounds {
  /** p99 under attack against the quiet one. */
  readonly p99Factor: number;
  /** Below this a p99 is fine whatever it was before, in milliseconds. */
  readonly p99FloorMs: number;
  /** What the node may use more of after an abuse than before it, in bytes. */
  readonly leakBytes: number;
  /** What the process may grow by during an abuse, in bytes. */
  readonly peakBytes: number;
}

/** What is wrong with a result; empty when nothing is. */
export function problemsOf(result: AbuseResult, bounds: Bounds): string[] {
  const problems: string[] = [];
  const { quiet, attacked, before, after, peakRssBytes } = result;
  if (result.unexpected.length > 0) problems.push(`ended with ${result.unexpected.join(", ")}`);
  if (attacked.failures > 0) problems.push(`${attacked.failures} tasks of others were refused`);
  if (attacked.tasks === 0) problems.push("nobody else was served");
  const mostMs = Math.max(bounds.p99FloorMs, quiet.p99Ms * bounds.p99Factor);
  if (attacked.p99Ms > mostMs) problems.push(`p99 ${ms(attacked.p99Ms)} ms, over ${ms(mostMs)} ms`);
  const leakBytes = after.liveBytes - before.liveBytes;
  if (leakBytes > bounds.leakBytes) problems.push(`${mib(leakBytes)} MiB were not given back`);
  const growthBytes = peakRssBytes - before.rssBytes;
  if (growthBytes > bounds.peakBytes) problems.push(`the process grew by ${mib(growthBytes)} MiB`);
  return problems;
}

const HEADINGS = ["abuse", "ended with", "p50 ms", "p99 ms", "live MiB", "RSS MiB before/peak/after", "limit"];

/** The results as a Markdown table. */
export function formatTable(results: readonly AbuseResult[]): string {
  const rows = results.map((result) => [
    result.name,
    Object.entries(result.endings)
      .map(([ending, count]) => `${ending} x${count}`)
      .join(", "),
    `${ms(result.quiet.p50Ms)} > ${ms(result.attacked.p50Ms)}`,
    `${ms(result.quiet.p99Ms)} > ${ms(result.attacked.p99Ms)}`,
    `${mib(result.before.liveBytes)} > ${mib(result.after.liveBytes)}`,
    [result.before.rssBytes, result.peakRssBytes, result.after.rssBytes].map(mib).join(" / "),
    result.limit,
  ]);
  const lines = [HEADINGS, HEADINGS.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Where and with what a run was made. */
export function stamp(commit: string): Record<string, string> {
  const [cpu] = cpus();
  return { commit, node: process.version, system: release(), cpu: `${cpus().length} x ${cpu?.model ?? "unknown"}` };
}

function ms(value: number): string {
  return value.toFixed(1);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}
