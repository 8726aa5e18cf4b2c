/**
 * Mutation testing of what decides: `npm run mutation`. test/mutation/README.md says how to read and repeat it.
 *
 * Responsible for: how Stryker runs. Which files it mutates is in test/mutation/files.mjs, what it leaves alone in them is
 * in test/mutation/texts.mjs.
 */
import { mutatedFiles } from "./test/mutation/files.mjs";

/** Everything that a run leaves behind lies here, where no other tool of the project looks. */
const FOLDER = "coverage/mutation";

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
const config = {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner", "./test/mutation/texts.mjs"],
  ignorers: ["texts"],
  mutate: mutatedFiles(),
  vitest: { configFile: "test/mutation/vitest.config.ts", related: true },
  // Each mutant meets only the tests that reach it.
  coverageAnalysis: "perTest",
  // Two test processes are what a machine with two cores can take without making timeouts out of survivors.
  concurrency: 2,
  timeoutMS: 5_000,
  timeoutFactor: 2,
  // A mutant is judged again only when it, or a test that reaches it, has changed; `--force` judges all of them.
  incremental: true,
  incrementalFile: `${FOLDER}/incremental.json`,
  reporters: ["json", "html", "clear-text", "progress-append-only"],
  clearTextReporter: { reportTests: false, allowColor: false },
  jsonReporter: { fileName: `${FOLDER}/mutation.json` },
  htmlReporter: { fileName: `${FOLDER}/mutation.html` },
  tempDirName: `${FOLDER}/sandboxes`,
  ignorePatterns: ["coverage", "dist", "docs"],
  // Stryker would read tsconfig.json with the compiler's API, which TypeScript 7 has not. Nothing here needs the file.
  tsconfigFile: "none",
  disableTypeChecks: false,
  allowEmpty: false,
  thresholds: { high: 95, low: 90, break: 85 },
};

export default config;
