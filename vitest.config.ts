import { defineConfig } from "vitest/config";

// The SDK is tested from its sources, so that a test run needs no build of it. Otherwise as Node.js resolves: what packages
// offer to bundlers (the condition "module") is not always a module to Node.js.
const conditions = ["sluice-source", "node", "import", "default"];

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
    // Nodes that tests start as processes of their own must not all want the same port.
    env: { SLUICE_HTTP_LISTEN: "127.0.0.1:0" },
    // The default leaves a core idle; the end-to-end tests mostly wait.
    maxWorkers: "100%",
    testTimeout: 20_000,
  },
});
