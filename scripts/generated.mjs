/**
 * Checks that the generated contract is what the generator makes of the protos today. Exit code 1 when it is not.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceFiles } from "./source-files.mjs";

const GENERATED = join("clients", "typescript", "src", "gen");
const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @param {string} folder
 * @returns {Map<string, string>} Text by path.
 */
function texts(folder) {
  return new Map(sourceFiles(folder).map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

const fresh = mkdtempSync(join(tmpdir(), "sluice-generated-"));
try {
  const buf = spawnSync("buf", ["generate", "--output", fresh], { cwd: root, stdio: "inherit" });
  if (buf.status !== 0) throw new Error(`buf generate ended with ${buf.error?.message ?? buf.status}`);
  const kept = texts(join(root, GENERATED));
  const made = texts(join(fresh, GENERATED));
  const stale = [...new Set([...kept.keys(), ...made.keys()])].filter((path) => kept.get(path) !== made.get(path));
  for (const path of stale) console.error(`${join(GENERATED, path)} is not what the protos say: run npm run generate`);
  console.log(`generated code: ${made.size} files, ${stale.length} stale`);
  process.exitCode = stale.length > 0 || made.size === 0 ? 1 : 0;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
