/** How much memory a process has to itself. Linux only. */
import { readFileSync } from "node:fs";

/**
 * Anonymous memory in MiB: heap, buffers, stacks. Pages of the data file that LMDB maps are not counted: they belong to the
 * system's cache, which takes them back when it needs them. Undefined where the system does not tell, or the process is gone.
 */
export function anonymousMiB(pid: number): number | undefined {
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024);
  } catch {
    return undefined;
  }
}
