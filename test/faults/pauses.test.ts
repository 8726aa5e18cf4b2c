/**
 * Processes that stand still for longer than the lease, and analyzers that die.
 */
import { expect, test } from "vitest";
import { Arena } from "./arena.ts";

const TIMEOUT_MS = 60_000;
const DRAIN_DEADLINE_MS = 30_000;
const LEASE_MS = 2000;
const PAUSE_MS = 2.5 * LEASE_MS;
const LOAD = { perSecond: 100, workMs: 800 };
const CONCURRENCY = 64;
const DELIVERIES = 50;

/** Resolves when this many more deliveries were made, to anybody or to one analyzer. */
async function atWork(arena: Arena, analyzer?: string): Promise<void> {
  const goal = arena.checker.deliveries(analyzer) + DELIVERIES;
  await expect.poll(() => arena.checker.deliveries(analyzer), { timeout: 20_000 }).toBeGreaterThan(goal);
}

test(
  "a node that stood still for longer than the lease blames nobody",
  async () => {
    await using arena = await Arena.open({ leaseMs: LEASE_MS });
    await arena.startNode();
    arena.crewOf(["a", "b"], CONCURRENCY);
    const emitter = arena.emitter(LOAD);
    await atWork(arena);
    await arena.pauseNode(PAUSE_MS);
    await atWork(arena);
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  },
  TIMEOUT_MS,
);

test(
  "an analyzer that stood still for longer than the lease loses its leases, is charged, and can go on",
  async () => {
    await using arena = await Arena.open({ leaseMs: LEASE_MS });
    await arena.startNode();
    const paused = arena.crewOf(["paused"], CONCURRENCY);
    arena.crewOf(["steady"], CONCURRENCY);
    const emitter = arena.emitter(LOAD);
    await atWork(arena);
    await arena.pauseClient(paused, PAUSE_MS);
    await atWork(arena, "paused");
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.charges["ANALYZER_LOST"]).toBeGreaterThan(0);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  },
  TIMEOUT_MS,
);

test(
  "tasks of a killed analyzer run elsewhere, an attempt charged",
  async () => {
    await using arena = await Arena.open({ leaseMs: LEASE_MS });
    await arena.startNode();
    const doomed = arena.crewOf(["doomed"], CONCURRENCY);
    arena.crewOf(["heir"], CONCURRENCY);
    const emitter = arena.emitter(LOAD);
    await atWork(arena);
    await arena.killClient(doomed);
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.charges["ANALYZER_LOST"]).toBeGreaterThan(0);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  },
  TIMEOUT_MS,
);
