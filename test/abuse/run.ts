/**
 * Runs abuses one after the other against one node, with a well-behaved client at work all the time, and says what it found.
 */
import type { Abuse } from "./abuse.ts";
import { Probe, type ProbeFigures } from "./probe.ts";
import type { Programs } from "./programs.ts";
import { pause } from "./raw-peer.ts";
import { type Memory, Victim } from "./victim.ts";

/** How a run is done. */
export interface RunOptions {
  readonly programs: Programs;
  readonly abuses: readonly Abuse[];
  /** How long each abuse goes on, at least; those that need more time get it. */
  readonly attackMs: number;
  /** How long the quiet before each abuse is measured. */
  readonly quietMs: number;
  /** Called with each result as it comes. */
  readonly onResult?: (result: AbuseResult) => void;
}

/** What one abuse did. */
export interface AbuseResult {
  readonly name: string;
  readonly limit: string;
  /** How its parts ended, with how often. */
  readonly endings: Readonly<Record<string, number>>;
  /** Endings that should not have been. */
  readonly unexpected: readonly string[];
  readonly seconds: number;
  readonly quiet: ProbeFigures;
  readonly attacked: ProbeFigures;
  readonly before: Memory;
  readonly peakRssBytes: number;
  readonly after: Memory;
}

/** Flags of the node under attack. */
const NODE_FLAGS = ["--resume-grace-ms", "500", "--max-connections", "5000"];
const TASKS_PER_SECOND = 200;
const WARM_UP_MS = 3000;
/** What is still under way when an abuse is over may take a while to end. Looks as often, for at most so long. */
const CALM_MS = 500;
const MAX_CALM_MS = 15_000;
/** As much more counts as the same. */
const SAME_BYTES = 8 * 1024 * 1024;

/** Runs them all. Rejects when the node ends. */
export async function runAbuses(options: RunOptions): Promise<AbuseResult[]> {
  await using victim = await Victim.start(options.programs, NODE_FLAGS);
  await using probe = await Probe.start(options.programs, victim.port, TASKS_PER_SECOND);
  await pause(WARM_UP_MS);
  const results: AbuseResult[] = [];
  for (const abuse of options.abuses) {
    const result = await runOne(abuse, victim, probe, options);
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

async function runOne(abuse: Abuse, victim: Victim, probe: Probe, options: RunOptions): Promise<AbuseResult> {
  const before = await victim.memory();
  await probe.take();
  await pause(options.quietMs);
  const quiet = await probe.take();
  const peak = victim.watchPeak();
  const startMs = performance.now();
  const durationMs = Math.max(options.attackMs, abuse.reachedAfterMs ?? 0);
  const endings = await abuse.run({ port: victim.port, signal: AbortSignal.timeout(durationMs) });
  const seconds = (performance.now() - startMs) / 1000;
  const attacked = await probe.take();
  const peakRssBytes = peak();
  return {
    name: abuse.name,
    limit: abuse.limit,
    endings: tally(endings),
    unexpected: unexpectedOf(abuse, endings),
    seconds,
    quiet,
    attacked,
    before,
    peakRssBytes,
    after: await calmMemory(victim, before.liveBytes + SAME_BYTES),
  };
}

/** Memory once it is down to this, or does not come down. */
async function calmMemory(victim: Victim, bytes: number): Promise<Memory> {
  const endMs = performance.now() + MAX_CALM_MS;
  while (true) {
    await pause(CALM_MS);
    const memory = await victim.memory();
    if (memory.liveBytes <= bytes || performance.now() > endMs) return memory;
  }
}

function tally(endings: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const ending of endings) counts[ending] = (counts[ending] ?? 0) + 1;
  return counts;
}

function unexpectedOf(abuse: Abuse, endings: readonly string[]): string[] {
  if (endings.length === 0) return ["nothing"];
  return [...new Set(endings.filter((ending) => !abuse.expects.includes(ending)))];
}
