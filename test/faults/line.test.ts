/**
 * Networks that lose bytes without a word: half-open connections and one-way partitions. Nobody is told, so analyzers and
 * node have to find out by themselves.
 */
import { expect, test } from "vitest";
import type { Direction, Line } from "../life/line.ts";
import { Arena } from "./arena.ts";

const TIMEOUT_MS = 110_000;
const LEASE_MS = 3000;
const DRAIN_DEADLINE_MS = 30_000;
/** The SDK finds a dead connection within 30 s; the rest is for a busy machine. */
const RECOVERY_DEADLINE_MS = 60_000;
const LOAD = { perSecond: 100, workMs: 400 };

/** Analyzers by what happens to their connections. */
const LOSSES: Readonly<Record<string, readonly Direction[]>> = {
  "half-open": ["to node", "to client"],
  unheard: ["to node"],
  deaf: ["to client"],
};

test(
  "connections that swallow bytes, both ways or one way, cost no task, and their analyzers return to work",
  async () => {
    await using arena = await Arena.open({ leaseMs: LEASE_MS });
    await arena.startNode();
    const far = new Map<string, Line>();
    for (const id of Object.keys(LOSSES)) {
      const line = await arena.line();
      far.set(id, line);
      arena.crew({ address: line.address, analyzers: [{ id, weight: 1, concurrency: 16 }] });
    }
    arena.crewOf(["near"], 64);
    const emitter = arena.emitter(LOAD);
    const work = (more: number) =>
      Promise.all(
        [...far.keys()].map((id) => {
          const goal = arena.checker.deliveries(id) + more;
          return expect
            .poll(() => arena.checker.deliveries(id), { timeout: RECOVERY_DEADLINE_MS })
            .toBeGreaterThan(goal);
        }),
      );
    await work(20);
    const fromMs = Date.now();
    for (const [id, line] of far) for (const direction of LOSSES[id] ?? []) line.swallow(direction);
    await work(20);
    for (const id of far.keys()) arena.hit("line swallows", id, fromMs, Date.now());
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.charges["ANALYZER_LOST"]).toBeGreaterThan(0);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  },
  TIMEOUT_MS,
);
