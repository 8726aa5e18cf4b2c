/** How much room the store of a node takes on disk, and how much there is left for it. */
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { StorageFigures } from "../../http/metrics/node-metrics.ts";
import type { Config } from "../config/schema.ts";

/** Undefined for a store without files of its own, and where the system cannot tell. */
export async function storageFigures(config: Pick<Config, "store" | "dataDir">): Promise<StorageFigures | undefined> {
  if (config.store !== "lmdb") return undefined;
  try {
    const names = await readdir(config.dataDir);
    const files = await Promise.all(names.map((name) => stat(join(config.dataDir, name))));
    const { bavail, bsize } = await statfs(config.dataDir);
    return { usedBytes: files.reduce((sum, { size }) => sum + size, 0), freeBytes: bavail * bsize };
  } catch {
    // Files may go while they are looked at; the next scrape looks again.
    return undefined;
  }
}
