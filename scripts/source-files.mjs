/**
 * Lists the files of the project: what git would commit, found without git so that it works in an unpacked archive too.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders that hold nothing written by hand. */
const SKIPPED = new Set([".git", "node_modules", "dist", "coverage", "sluice-data"]);

/**
 * @param {string} root Folder to list.
 * @param {string} [under] Folder inside it, for the recursion.
 * @returns {string[]} Paths relative to the root, with slashes, sorted.
 */
export function sourceFiles(root, under = "") {
  return readdirSync(join(root, under), { withFileTypes: true })
    .flatMap((entry) => {
      if (SKIPPED.has(entry.name)) return [];
      const path = under === "" ? entry.name : `${under}/${entry.name}`;
      return entry.isDirectory() ? sourceFiles(root, path) : [path];
    })
    .sort();
}
