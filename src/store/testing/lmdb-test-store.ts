/**
 * The lmdb store as tests use it: in a temporary directory that goes with it.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestStore } from "../conformance.ts";
import { LmdbStore } from "../lmdb/lmdb-store.ts";

/** A new empty directory for data. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "sluice-store-"));
}

/** An lmdb store in a directory of its own. */
export function lmdbTestStore(directory = temporaryDirectory()): TestStore {
  const store = new LmdbStore({ directory });
  const release = async (): Promise<void> => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    store,
    reopen: async (how) => {
      if (how === "closed") {
        await store.close();
        return lmdbTestStore(directory);
      }
      // Between two commits the file holds what a crash would leave behind; the owner file stays with the dead process.
      const copy = temporaryDirectory();
      copyFileSync(join(directory, "data.mdb"), join(copy, "data.mdb"));
      await release();
      return lmdbTestStore(copy);
    },
    dispose: release,
  };
}
