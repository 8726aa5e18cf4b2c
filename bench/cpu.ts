/** Processor time and memory of this process and of others. */
import { readdirSync, readFileSync } from "node:fs";

/** What Linux counts processor time in for user space, on every architecture: sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the name in brackets, which may itself hold spaces. Times: user, system. */
const PARENT_FIELD = 1;
const OWN_FIELDS = [11, 12];
/** Times of children that have ended and were waited for. */
const ENDED_CHILDREN_FIELDS = [13, 14];

/** Processor time this process has used, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time another process has used, in milliseconds to the next 10; undefined where it cannot be told. */
export function cpuMsOf(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : parseCpuMs(stat);
}

/** The same of a process and all that it has started, those that have ended included. */
export function treeCpuMsOf(pid: number): number | undefined {
  const stats = new Map<number, string>();
  for (const name of listProcesses()) {
    const stat = readStat(Number(name));
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  return sumTree(stats, pid);
}

/** Reads a line of /proc/PID/stat. */
export function parseCpuMs(stat: string): number | undefined {
  return timeMs(stat, OWN_FIELDS);
}

/** Adds up a process and its descendants. @param stats lines of /proc/PID/stat by process */
export function sumTree(stats: ReadonlyMap<number, string>, root: number): number | undefined {
  const stat = stats.get(root);
  const own = stat === undefined ? undefined : timeMs(stat, [...OWN_FIELDS, ...ENDED_CHILDREN_FIELDS]);
  if (own === undefined) return undefined;
  let total = own;
  for (const [pid, line] of stats) {
    if (Number(fieldsOf(line)[PARENT_FIELD]) === root) total += sumTree(stats, pid) ?? 0;
  }
  return total;
}

/** Memory of a process in bytes. */
export interface Memory {
  /** What is resident in all, as `ps` and a container's limit see it. */
  readonly residentBytes: number;
  /** Of it: heaps and stacks. The rest is mapped files, which the system takes back when it needs the room. */
  readonly anonymousBytes: number;
}

/** Memory of another process; undefined where it cannot be told. */
export function memoryOf(pid: number): Memory | undefined {
  try {
    return parseMemory(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Reads /proc/PID/status. */
export function parseMemory(status: string): Memory | undefined {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  const residentBytes = bytes("VmRSS");
  const anonymousBytes = bytes("RssAnon");
  return Number.isFinite(residentBytes + anonymousBytes) ? { residentBytes, anonymousBytes } : undefined;
}

function timeMs(stat: string, fields: readonly number[]): number | undefined {
  const values = fieldsOf(stat);
  const ticks = fields.reduce((total, field) => total + Number(values[field]), 0);
  return Number.isFinite(ticks) ? (ticks * 1000) / TICKS_PER_SECOND : undefined;
}

function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
}

function listProcesses(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
