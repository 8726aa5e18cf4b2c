/** Folders that do not stay. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TemporaryFolder } from "./temporary-folder.ts";

test("a folder is there until it is disposed of, with all that is in it", () => {
  const listeners = process.listenerCount("exit");
  let path: string;
  {
    using folder = new TemporaryFolder("sluice-folder-test-");
    path = folder.path;
    writeFileSync(join(path, "file"), "data");
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
  expect(process.listenerCount("exit")).toBe(listeners);
});
