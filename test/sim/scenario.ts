/**
 * What a seed makes of the world: who is there, how queues are set, and which faults happen how often.
 *
 * Each seed draws a subset of the faults and its own rates ("swarm testing", Groce et al., ISSTA 2012): a fault that
 * happens all the time hides what others would show.
 */
import { MAX_CLOCK_STEP_MS } from "../../src/engine/settings.ts";
import type { QueueSettings } from "../../src/store/port.ts";
import type { Patience } from "./lease-book.ts";
import type { Random } from "./random.ts";
import type { AnalyzerPlan } from "./sim-analyzer.ts";
import type { ClaimHabits } from "./sim-store.ts";

/** What can happen in a step, with its usual odds. */
export const USUAL_ODDS = {
  submit: 200,
  "submit again": 15,
  act: 350,
  uplink: 120,
  commit: 260,
  claim: 120,
  connect: 110,
  advance: 140,
  vanish: 20,
  partition: 15,
  "break noticed": 10,
  leave: 15,
  stall: 20,
  wake: 15,
  "stop reading": 20,
  read: 50,
  "huge credit": 4,
  "second hello": 4,
  "no hello": 4,
  "foreign lease": 10,
  flood: 2,
  cancel: 20,
  redrive: 20,
  purge: 4,
  wait: 15,
  look: 6,
  "node pause": 10,
  "wall clock jump": 10,
  crash: 10,
  "disk failure": 3,
  "drain and restart": 5,
  "drain analyzer": 5,
  weight: 12,
  "pause or resume": 10,
  policy: 8,
} as const;

/** Something that can happen. */
export type ActionName = keyof typeof USUAL_ODDS;

/** Without these nothing would happen at all. */
const STAPLES: ReadonlySet<string> = new Set([
  "submit",
  "act",
  "commit",
  "claim",
  "connect",
  "advance",
  "uplink",
  "read",
]);
/** What well-behaved clients and operators do. */
const REQUESTS: ReadonlySet<string> = new Set(["cancel", "redrive", "purge", "wait", "look", "weight", "policy"]);

/** Whether it is a fault: something that a system would rather not meet. */
export function isFault(action: string): boolean {
  return !STAPLES.has(action) && !REQUESTS.has(action);
}

/** A seed's world. */
export interface Scenario {
  readonly analyzers: readonly AnalyzerPlan[];
  readonly queues: readonly string[];
  readonly settings: ReadonlyMap<string, Partial<QueueSettings>>;
  readonly patience: Patience;
  readonly claims: ClaimHabits;
  readonly fairnessKeys: readonly string[];
  readonly maxAttempts: readonly number[];
  /** Probability that a task has a timeout. */
  readonly timeouts: number;
  /** Most tasks in one submit. */
  readonly burst: number;
  readonly odds: readonly (readonly [ActionName, number])[];
}

/** Draws the world of a seed. */
export function drawScenario(random: Random): Scenario {
  const queues = ["q0", "q1", "q2"].slice(0, random.int(1, 3));
  const names = Array.from({ length: random.int(1, 5) }, (_, index) => `a${index}`);
  const failures = random.pick([0, 0.05, 0.15, 0.4]) ?? 0;
  const analyzers = names.map((id) => drawAnalyzer(random, id, queues, failures));
  const claims = { takeTime: random.chance(0.25), fallShort: random.chance(0.2) ? 0.2 : 0 };
  const pointless = new Set<ActionName>();
  if (!claims.takeTime) pointless.add("claim");
  if (!analyzers.some(({ isSlow }) => isSlow)) pointless.add("uplink");
  return {
    analyzers,
    queues: queues.filter((queue) => analyzers.some((plan) => plan.subscriptions.some((own) => own.queue === queue))),
    settings: new Map(queues.map((queue) => [queue, drawSettings(random)])),
    patience: {
      leaseMs: random.pick([1500, 3000]) ?? 3000,
      // The last is longer than the step for which a pause of the node counts.
      resumeGraceMs: random.pick([300, 700, MAX_CLOCK_STEP_MS + 500]) ?? 300,
      drainMs: 600,
    },
    claims,
    fairnessKeys: random.chance(0.3) ? ["", "k1", "k2"] : [""],
    maxAttempts: random.pick([[50], [50], [1, 2, 3], [2, 3, 50]]) ?? [50],
    timeouts: random.pick([0, 0, 0.2, 0.6]) ?? 0,
    burst: random.pick([3, 5, 12]) ?? 5,
    odds: drawOdds(random).filter(([name]) => !pointless.has(name)),
  };
}

/** Bounds of the share, as a seed or an operator in it sets them. */
export function drawPolicy(random: Random): Pick<QueueSettings, "maxLag" | "maxLead" | "holdMs"> {
  return {
    maxLag: random.pick([0, 1, 2, 5, 100]) ?? 100,
    maxLead: random.chance(0.75) ? 0 : (random.pick([1, 2, 5]) ?? 1),
    holdMs: random.pick([50, 400]) ?? 50,
  };
}

function drawSettings(random: Random): Partial<QueueSettings> {
  return {
    ...drawPolicy(random),
    ...(random.chance(0.1) ? { maxWaiting: random.int(5, 30) } : {}),
    ...(random.chance(0.1) ? { retentionMs: 1000, deadRetentionMs: 2000 } : {}),
    ...(random.chance(0.1) ? { retentionCount: 5, deadRetentionCount: 3 } : {}),
  };
}

function drawAnalyzer(random: Random, id: string, queues: readonly string[], failures: number): AnalyzerPlan {
  const served = queues.filter(() => random.chance(0.6));
  const named = served.length > 0 ? served : [random.pick(queues) ?? "q0"];
  return {
    id,
    subscriptions: named.map((queue) => ({ queue, weight: random.int(1, 3) })),
    weight: random.pick([0.1, 0.4, 1, 1, 3]) ?? 1,
    maxInFlight: random.chance(0.2) ? 0 : random.int(1, 6),
    failures,
    isSlow: random.chance(0.3),
  };
}

function drawOdds(random: Random): [ActionName, number][] {
  const odds: [ActionName, number][] = [];
  for (const [name, usual] of Object.entries(USUAL_ODDS) as [ActionName, number][]) {
    const factor = STAPLES.has(name) ? (random.pick([0.5, 1, 1, 2]) ?? 1) : (random.pick([0, 0, 1, 3]) ?? 1);
    if (factor > 0) odds.push([name, usual * factor]);
  }
  return odds;
}
