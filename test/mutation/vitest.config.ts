/**
 * The tests that mutation testing uses: those of the core and the engine, and a short simulation, on a virtual clock.
 */
import { statSync } from "node:fs";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import base from "../../vitest.config.ts";

/** Small test files first: most mutants are killed by one, and the rest need not run then. */
class SmallFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const size = ({ moduleId }: TestSpecification) => statSync(moduleId).size;
    return [...files].sort((a, b) => size(a) - size(b));
  }
}

export default defineConfig({
  ...base,
  // The folder that Stryker starts it in: a copy of the project.
  root: process.cwd(),
  test: {
    ...base.test,
    include: ["src/core/**/*.test.ts", "src/engine/**/*.test.ts", "test/mutation/short-simulation.ts"],
    // Thousands of runs of statistics, each slow: what they would find, the model of share-lead.test.ts finds sooner.
    exclude: [...configDefaults.exclude, "src/core/share-properties.test.ts", "src/core/share-simulation.test.ts"],
    // The tests share nothing but modules, and each run of them has a thread of its own.
    isolate: false,
    setupFiles: ["test/mutation/fixed-seed.ts"],
    sequence: { sequencer: SmallFirst },
  },
});
