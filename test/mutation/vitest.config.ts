/**
 * The tests that mutation testing uses: those of the core and the engine, and a short simulation, on a virtual clock.
 */
import { defineConfig } from "vitest/config";
import base from "../../vitest.config.ts";

export default defineConfig({
  ...base,
  // The folder that Stryker starts it in: a copy of the project.
  root: process.cwd(),
  test: {
    ...base.test,
    include: ["src/core/**/*.test.ts", "src/engine/**/*.test.ts", "test/sim/**/*.test.ts"],
    setupFiles: ["test/mutation/fixed-seed.ts"],
    // Stryker decides when a test runs on for ever: it knows how long each takes.
    testTimeout: 300_000,
    env: { SIM_SEEDS: "30" },
  },
});
