/**
 * The figures that docs promise, simulated: four analyzers with weights .4, .3, .2, .1 and the default windows work off
 * 10,000 tasks in virtual time, with service times that vary by a fifth. The seed is fixed, so the run is always the same.
 */
import { describe, expect, test } from "vitest";
import { CreditWindow, defaultMaxInFlight } from "./credit.ts";
import { type HeapNode, IndexedHeap } from "./heap.ts";
import { Share, type ShareMember } from "./share.ts";

const WEIGHTS = [0.4, 0.3, 0.2, 0.1];
const TASKS = 10_000;
const SERVICE_MS = 100;
/** Longer than the longest service, so that nobody who works counts as stuck. */
const HOLD_MS = 1000;

/** Mulberry32, by Tommy Ettinger: 32 bits of state are plenty here. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Analyzer {
  readonly member: ShareMember;
  readonly window: CreditWindow;
  readonly serviceMs: number;
  delivered: number;
}

interface Completion extends HeapNode {
  readonly atMs: number;
  readonly analyzer: Analyzer;
}

interface Run {
  /** Parts of all deliveries, in percent. */
  readonly percent: readonly number[];
  /** The most that anybody ever was off its part, in tasks. */
  readonly worstOff: number;
  readonly tasksPerSecond: number;
  /** Choices that nobody could be found for although somebody had credit. */
  readonly waits: number;
}

function simulate(speeds: readonly number[], maxLead: number, seed: number): Run {
  const random = seeded(seed);
  const share = new Share({ maxLag: 100, maxLead, holdMs: HOLD_MS });
  const completions = new IndexedHeap<Completion>((a, b) => a.atMs - b.atMs);
  const analyzers = WEIGHTS.map((weight, index): Analyzer => {
    const member = share.attach(`a${index}`, weight, 0);
    const window = new CreditWindow(defaultMaxInFlight(weight));
    window.grant(window.max);
    share.setEligible(member, true, 0);
    return { member, window, serviceMs: SERVICE_MS / (speeds[index] ?? 1), delivered: 0 };
  });
  let nowMs = 0;
  let delivered = 0;
  let worstOff = 0;
  let waits = 0;
  while (delivered < TASKS) {
    for (let choice = share.choose(nowMs); choice !== undefined && delivered < TASKS; choice = share.choose(nowMs)) {
      const analyzer = analyzers.find(({ member }) => member === choice);
      if (analyzer === undefined) throw new Error("an unknown member was chosen");
      analyzer.window.spend();
      if (analyzer.window.credit === 0) share.setEligible(choice, false, nowMs);
      analyzer.delivered += 1;
      delivered += 1;
      completions.push({ heapIndex: -1, analyzer, atMs: nowMs + analyzer.serviceMs * (0.8 + 0.4 * random()) });
      for (const each of analyzers) {
        worstOff = Math.max(worstOff, Math.abs(each.delivered - delivered * each.member.weight));
      }
    }
    if (share.eligibleCount > 0) waits += 1;
    const next = completions.pop();
    if (next === undefined) throw new Error("nobody works and nobody is chosen");
    nowMs = next.atMs;
    next.analyzer.window.answer();
    next.analyzer.window.grant(1);
    share.setEligible(next.analyzer.member, true, nowMs);
  }
  const percent = analyzers.map((each) => (each.delivered / TASKS) * 100);
  return { percent, worstOff, waits, tasksPerSecond: (TASKS / nowMs) * 1000 };
}

function expectPercent(run: Run, expected: readonly number[], tolerance: number): void {
  for (const [index, percent] of run.percent.entries()) {
    expect(Math.abs(percent - (expected[index] ?? 0)), `${run.percent}`).toBeLessThanOrEqual(tolerance);
  }
}

describe.each([1, 2, 3])("10,000 tasks, seed %d", (seed) => {
  test.each([Number.POSITIVE_INFINITY, 1])("equal speeds, max lead %d: 40.0/30.0/20.0/10.0", (maxLead) => {
    const run = simulate([1, 1, 1, 1], maxLead, seed);
    expectPercent(run, [40, 30, 20, 10], 0.15);
  });

  test("speeds 1:2:4:2, unlimited lead: 20/30/40/10, nobody ever waits, full speed", () => {
    const run = simulate([1, 2, 4, 2], Number.POSITIVE_INFINITY, seed);
    expectPercent(run, [20, 30, 40, 10], 0.5);
    expect(run.waits).toBe(0);
    // Windows 4, 3, 2, 1 times speeds 1, 2, 4, 2, at 10 tasks a second: 200 a second.
    expect(run.tasksPerSecond).toBeGreaterThan(195);
    expect(run.tasksPerSecond).toBeLessThan(205);
  });

  test("speeds 1:2:4:2, max lead 1: 40/30/20/10, never more than 3 tasks off, half the speed", () => {
    const run = simulate([1, 2, 4, 2], 1, seed);
    expectPercent(run, [40, 30, 20, 10], 0.03);
    expect(run.worstOff).toBeLessThanOrEqual(3);
    expect(run.waits).toBeGreaterThan(0);
    expect(run.tasksPerSecond).toBeGreaterThan(90);
    expect(run.tasksPerSecond).toBeLessThan(110);
  });
});
