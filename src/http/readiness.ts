/**
 * Whether a node should get new work: it does not drain, and its storage takes writes.
 *
 * A write that fails ends the process, so what is left to be seen is a write that is never answered, as on a disk that
 * hangs.
 */
import type { Vitals } from "../engine/api.ts";
import { MAX_COMMIT_MS } from "./limits.ts";

/** Whether it should. */
export function isReady(vitals: Vitals): boolean {
  return unreadiness(vitals) === undefined;
}

/** Why it should not; undefined when it should. */
export function unreadiness({ isDraining, hasFailed, oldestCommitMs }: Vitals): string | undefined {
  if (hasFailed) return "storage failed";
  if (isDraining) return "draining";
  if (oldestCommitMs > MAX_COMMIT_MS) return `storage has not answered a write for ${Math.round(oldestCommitMs)} ms`;
  return undefined;
}
