/**
 * Looks for the seed whose simulation catches a bug.
 */
import { performance } from "node:perf_hooks";
import type { Bug } from "./bugs.ts";
import { buildWith } from "./test-build.ts";

/** Who caught a bug. */
export interface Catch {
  readonly bug: Bug;
  /** The promise that was seen broken, in short, and how; undefined when no seed has seen anything. */
  readonly rule: string | undefined;
  readonly message: string | undefined;
  /** Seeds tried, the one that caught it included. */
  readonly seeds: number;
  readonly ms: number;
}

/** Builds the simulation with the bug and runs seed after seed, from the first, until a promise is broken. */
export async function hunt(bug: Bug, root: string, maxSeeds: number): Promise<Catch> {
  const startMs = performance.now();
  const { simulate } = await buildWith(bug, root);
  for (let seed = 1; seed <= maxSeeds; seed++) {
    try {
      await simulate(seed);
    } catch (error) {
      // The class is that of the bundle: another one than ours.
      if (!(error instanceof Error) || error.name !== "Violation") throw error;
      const rule = error.message.slice(0, error.message.indexOf(":"));
      return { bug, rule, message: error.message, seeds: seed, ms: performance.now() - startMs };
    }
  }
  return { bug, rule: undefined, message: undefined, seeds: maxSeeds, ms: performance.now() - startMs };
}
