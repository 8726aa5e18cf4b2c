/** Processor time of this process and of others. */
import { readFileSync } from "node:fs";

/** What Linux counts processor time in for user space, on every architecture: sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the name in brackets, which may itself hold spaces: user and system time. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** Processor time this process has used, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time another process has used, in milliseconds to the next 10; undefined where it cannot be told. */
export function cpuMsOf(pid: number): number | undefined {
  try {
    return parseCpuMs(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Reads a line of /proc/PID/stat. */
export function parseCpuMs(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD]);
  return Number.isFinite(ticks) ? (ticks * 1000) / TICKS_PER_SECOND : undefined;
}
