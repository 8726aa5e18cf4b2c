/**
 * Which files mutation testing mutates: all of the core, and all of the engine but what decides nothing.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

const FLOORS = ["src/core", "src/engine"];

/** Files of these floors that are not mutated, with the reason. */
export const LEFT_OUT = {
  "src/core/limits.ts": "numbers only; test/life/limits-doc.test.ts compares them with the docs",
  "src/core/task.ts": "types only",
  "src/engine/api.ts": "types only",
  "src/engine/frames.ts": "types only",
  "src/engine/log.ts": "types only",
  "src/engine/task-observer.ts": "types only",
  "src/engine/settings.ts": "numbers only; test/life/limits-doc.test.ts compares them with the docs",
  "src/engine/clock.ts": "the machine's clock and timers, which a test on a virtual clock does not use",
  "src/engine/figures.ts": "shows figures, decides nothing; tested over gRPC in test/life",
  "src/engine/explain.ts": "words for people, decides nothing; tested over gRPC in test/life/explain.test.ts",
};

/** @returns {string[]} Paths from the root of the project, with slashes, sorted. */
export function mutatedFiles() {
  return FLOORS.flatMap((floor) => readdirSync(new URL(floor, `file://${root}`)).map((name) => `${floor}/${name}`))
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !(path in LEFT_OUT))
    .sort();
}
