/** Where a measurement was made: figures without it cannot be compared. */
import { spawnSync } from "node:child_process";
import { cpus, totalmem } from "node:os";

/** The machine and the code. */
export interface Environment {
  /** Commit of the working tree, with `-dirty` when files differ from it; "unknown" outside a checkout. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
}

/** Looks at this machine and the working tree. */
export function environment(): Environment {
  const processors = cpus();
  return {
    commit: commit(),
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

function commit(): string {
  const git = spawnSync("git", ["describe", "--always", "--dirty", "--abbrev=12"], { encoding: "utf8" });
  return git.status === 0 ? git.stdout.trim() : "unknown";
}
