/**
 * Everything that must hold before a change lands, one line with its time per step: `npm run verify`.
 *
 * The output of a step is shown only when it fails. Later steps run all the same, so that one run shows all that is
 * wrong, except those that need a build that failed. The last line is the total of all tests.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { REPORT_PATH } from "./test-totals.mjs";

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command Program and arguments; programs of installed packages go by their name.
 * @property {boolean} [needsBuild] Pointless after a failed build.
 */

/** @type {readonly Step[]} */
const STEPS = [
  { name: "format and lint", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
  { name: "floors", command: ["node", "scripts/check.mjs", "floors"] },
  { name: "tidy", command: ["node", "scripts/check.mjs", "tidy"] },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "contract: lint", command: ["buf", "lint"] },
  { name: "contract: format", command: ["buf", "format", "--diff", "--exit-code"] },
  { name: "contract: breaking", command: ["buf", "breaking", "--against", "proto/baseline.binpb"] },
  { name: "contract: generated", command: ["node", "scripts/generated.mjs"] },
  { name: "build", command: ["npm", "run", "--silent", "build"] },
  {
    name: "tests",
    command: ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT_PATH}`],
    needsBuild: true,
  },
  { name: "bench smoke", command: ["node", "dist/bench/main.js", "--smoke"], needsBuild: true },
  {
    name: "bench smoke: phases",
    command: ["node", "dist/bench/peers/main.js", "--only", "sluice", "--quick"],
    needsBuild: true,
  },
];

/** A step that runs longer than this hangs; it is ended with all the processes that it has started. */
const STEP_TIMEOUT_MS = 420_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const env = { ...process.env, PATH: [join(root, "node_modules", ".bin"), process.env["PATH"]].join(delimiter) };

/**
 * @param {Step} step
 * @returns {Promise<boolean>} Whether it succeeded.
 */
async function run(step) {
  const startMs = performance.now();
  const { ok, output } = await runGroup(step.command);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${ok ? "ok  " : "FAIL"} ${step.name.padEnd(20)} ${seconds.padStart(6)} s`);
  if (!ok) console.log(`${step.command.join(" ")}\n${output}`);
  return ok;
}

/**
 * Runs a program in a process group of its own, so that nothing that it has started is left when it has to be ended.
 *
 * @param {string[]} command
 * @returns {Promise<{ok: boolean, output: string}>}
 */
function runGroup([program = "", ...args]) {
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (/** @type {Buffer} */ part) => output.push(part));
  const endGroup = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    output.push(Buffer.from(`\nended after ${STEP_TIMEOUT_MS} ms\n`));
    endGroup();
  }, STEP_TIMEOUT_MS);
  const interrupt = () => {
    endGroup();
    process.exit(130);
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);

  return new Promise((resolve) => {
    /** @param {boolean} ok */
    const settle = (ok) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      resolve({ ok, output: Buffer.concat(output).toString() });
    };
    child.once("error", (error) => {
      output.push(Buffer.from(error.message));
      settle(false);
    });
    child.once("close", (status) => settle(status === 0));
  });
}

rmSync(REPORT_PATH, { force: true });
mkdirSync(dirname(REPORT_PATH), { recursive: true });
const startMs = performance.now();
/** @type {string[]} */
const failed = [];
for (const step of STEPS) {
  if (step.needsBuild === true && failed.includes("build")) console.log(`skip ${step.name.padEnd(20)} (no build)`);
  else if (!(await run(step))) failed.push(step.name);
}
const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
console.log(failed.length === 0 ? `verify: all well in ${seconds} s` : `verify: failed: ${failed.join(", ")}`);
spawnSync(process.execPath, [join(root, "scripts", "test-totals.mjs")], { stdio: "inherit" });
process.exitCode = failed.length > 0 ? 1 : 0;
