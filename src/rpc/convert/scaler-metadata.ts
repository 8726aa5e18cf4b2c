/**
 * The trigger metadata of a KEDA ScaledObject, checked. Every refusal is INVALID_ARGUMENT and says what to write.
 */
import { checkName, invalid } from "../wire/checks.ts";
import { DEFAULT_TARGET_WAIT_MS, MAX_TARGET_WAIT_MS, MIN_TARGET_WAIT_MS } from "./scaling.ts";

/** What a trigger asks for. */
export type ScalerTrigger = {
  readonly queue: string;
  /** What a task may wait, when analyzers are counted. */
  readonly targetWaitMs: number;
} & (
  | { readonly metric: "analyzersWanted" }
  /** Tasks, waiting or running, that one analyzer should have. */
  | { readonly metric: "tasks"; readonly targetPerAnalyzer: number }
);

const KEYS = ["queue", "targetWaitMs", "targetPerAnalyzer"] as const;
const HINT = 'for example {queue: "mail", targetWaitMs: "30000"}';
const MAX_TARGET_PER_ANALYZER = 1_000_000;

/** Reads the metadata. Keys of KEDA itself, such as scalerAddress, are left alone. */
export function scalerTrigger(metadata: Readonly<Record<string, string>>): ScalerTrigger {
  checkSpelling(metadata);
  const { queue, targetWaitMs, targetPerAnalyzer } = metadata;
  if (queue === undefined) throw invalid(`the trigger's metadata must name a queue, ${HINT}`);
  checkName(queue, "metadata.queue");
  if (targetPerAnalyzer === undefined) {
    return { queue, metric: "analyzersWanted", targetWaitMs: wait(targetWaitMs) };
  }
  if (targetWaitMs !== undefined) {
    throw invalid(
      "metadata has targetWaitMs and targetPerAnalyzer: say how long tasks may wait, or how many go to each",
    );
  }
  const target = amount(targetPerAnalyzer, "targetPerAnalyzer", [0, MAX_TARGET_PER_ANALYZER]);
  if (target === 0) throw invalid("metadata.targetPerAnalyzer must be greater than 0");
  return { queue, metric: "tasks", targetPerAnalyzer: target, targetWaitMs: DEFAULT_TARGET_WAIT_MS };
}

function wait(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TARGET_WAIT_MS;
  return amount(text, "targetWaitMs", [MIN_TARGET_WAIT_MS, MAX_TARGET_WAIT_MS]);
}

function amount(text: string, key: string, [min, max]: readonly [number, number]): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(`metadata.${key} must be a number from ${min} to ${max}, written like "${max}", not "${text}"`);
}

/** A key of ours in other letters would silently not count. */
function checkSpelling(metadata: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(metadata)) {
    const meant = KEYS.find((known) => known.toLowerCase() === key.toLowerCase().replaceAll(/[-_]/g, ""));
    if (meant !== undefined && meant !== key) throw invalid(`metadata.${key} is not known: write ${meant}`);
  }
}
