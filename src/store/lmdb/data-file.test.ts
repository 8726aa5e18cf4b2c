import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Environment } from "./environment.ts";

const ENTRIES = 500;
const ENTRY_BYTES = 10_000;
const ALL_BYTES = ENTRIES * ENTRY_BYTES;

test("pages that deleted entries have left count as free, and are used again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-lmdb-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  /** Free bytes after a change of every entry is in the tables. */
  const reusableAfter = async (change: (tasks: Environment["tables"]["tasks"], key: string) => void) => {
    const environment = new Environment(directory);
    try {
      for (let entry = 0; entry < ENTRIES; entry++) change(environment.tables.tasks, `entry ${entry}`);
      await environment.commit();
      await environment.retireLog();
      return environment.reusableBytes;
    } finally {
      await environment.close();
    }
  };
  const put = (tasks: Environment["tables"]["tasks"], key: string) => tasks.put(key, Buffer.alloc(ENTRY_BYTES));
  expect(await reusableAfter(put)).toBeLessThan(ALL_BYTES / 10);
  expect(await reusableAfter((tasks, key) => tasks.remove(key))).toBeGreaterThan(ALL_BYTES);
  expect(await reusableAfter(put)).toBeLessThan(ALL_BYTES / 2);
});
