import { defineConfig } from "vitest/config";

// The SDK is tested from its sources, so that a test run needs no build of it.
const conditions = ["sluice-source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      "src/**/*.test.ts",
      "clients/typescript/src/**/*.test.ts",
      "test/**/*.test.ts",
      "bench/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "deploy/**/*.test.ts",
      "examples/**/*.test.ts",
    ],
    // The default leaves a core idle; the end-to-end tests mostly wait.
    maxWorkers: "100%",
    testTimeout: 20_000,
  },
});
