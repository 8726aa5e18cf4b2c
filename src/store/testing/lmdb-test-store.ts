/**
 * The lmdb store as tests use it: in a temporary directory that goes with it.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestStore } from "../conformance.ts";
import { LmdbStore, type LmdbStoreOptions } from "../lmdb/lmdb-store.ts";

/** LMDB describes its data in the first two pages of the file. */
const FIRST_PAGES_BYTES = 8192;

/** A new empty directory for data. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "sluice-store-"));
}

type LmdbTestOptions = Pick<LmdbStoreOptions, "checkpointEntries">;

/** An lmdb store in a directory of its own. */
export function lmdbTestStore(options: LmdbTestOptions = {}, directory = temporaryDirectory()): TestStore {
  const store = new LmdbStore({ ...options, directory });
  const release = async (): Promise<void> => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    store,
    reopen: async (how) => {
      if (how === "closed") {
        await store.close();
        return lmdbTestStore(options, directory);
      }
      const copy = temporaryDirectory();
      copyAsAfterCrash(directory, copy);
      await release();
      return lmdbTestStore(options, copy);
    },
    dispose: release,
  };
}

/**
 * Between two commits the files hold what a crash would leave behind; the owner file stays with the dead process. A
 * checkpoint that ends while the data file is being copied, which its first two pages show, means to copy again.
 */
export function copyAsAfterCrash(from: string, to: string): void {
  const data = join(from, "data.mdb");
  const firstPages = (): Buffer => readFileSync(data).subarray(0, FIRST_PAGES_BYTES);
  for (let before = firstPages(); ; before = firstPages()) {
    for (const name of readdirSync(from)) {
      if (name.startsWith("log.")) copyFileSync(join(from, name), join(to, name));
    }
    copyFileSync(data, join(to, "data.mdb"));
    if (firstPages().equals(before)) return;
  }
}
