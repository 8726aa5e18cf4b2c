/**
 * Checks that the generated contract is what the generator makes of the protos today. Exit code 1 when it is not.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceFiles } from "./source-files.mjs";

/** Templates of the generator, with the folder that each fills. */
const TEMPLATES = [
  { template: "buf.gen.yaml", folder: join("clients", "typescript", "src", "gen") },
  { template: "buf.gen.keda.yaml", folder: join("src", "rpc", "gen") },
];
const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @param {string} folder
 * @returns {Map<string, string>} Text by path.
 */
function texts(folder) {
  return new Map(sourceFiles(folder).map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/**
 * @param {string} template
 * @param {string} folder
 * @param {string} fresh An empty folder.
 * @returns {{made: number, stale: string[]}} How many files there should be, and which are not as they should be.
 */
function compare(template, folder, fresh) {
  const buf = spawnSync("buf", ["generate", "--template", template, "--output", fresh], {
    cwd: root,
    stdio: "inherit",
  });
  if (buf.status !== 0) throw new Error(`buf generate ended with ${buf.error?.message ?? buf.status}`);
  const kept = texts(join(root, folder));
  const made = texts(join(fresh, folder));
  const paths = [...new Set([...kept.keys(), ...made.keys()])];
  return {
    made: made.size,
    stale: paths.filter((path) => kept.get(path) !== made.get(path)).map((path) => join(folder, path)),
  };
}

const fresh = mkdtempSync(join(tmpdir(), "sluice-generated-"));
try {
  for (const { template, folder } of TEMPLATES) {
    const { made, stale } = compare(template, folder, fresh);
    for (const path of stale) console.error(`${path} is not what the protos say: run npm run generate`);
    console.log(`generated code of ${template}: ${made} files, ${stale.length} stale`);
    if (stale.length > 0 || made === 0) process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
