import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CRASH_BACKOFF_MS, MAX_CRASH_BACKOFF_MS, Pool, type PoolAction, type PoolPolicy, STABLE_MS } from "./pool.ts";

const POLICY: PoolPolicy = { min: 1, max: 8, coolDownMs: 30_000, drainMs: 10_000 };

function up(pool: Pool): number[] {
  return pool.members.filter(({ state }) => state === "up").map(({ analyzer }) => analyzer);
}

function starts(...analyzers: number[]): PoolAction[] {
  return analyzers.map((analyzer) => ({ kind: "start", analyzer }));
}

function stops(...analyzers: number[]): PoolAction[] {
  return analyzers.map((analyzer) => ({ kind: "stop", analyzer }));
}

describe("a pool", () => {
  test("begins with the fewest, before anybody knows what is wanted", () => {
    const pool = new Pool({ ...POLICY, min: 2 });
    expect(pool.decide(0)).toEqual(starts(1, 2));
    expect(pool.decide(1000)).toEqual([]);
    expect(pool.dueMs(1000)).toBeUndefined();
  });

  test("grows at once to what is wanted, and no further than its most", () => {
    const pool = new Pool(POLICY);
    pool.decide(0);
    pool.want(3, 1000);
    expect(pool.decide(1000)).toEqual(starts(2, 3));
    pool.want(100, 2000);
    expect(pool.decide(2000)).toHaveLength(5);
    expect(up(pool)).toHaveLength(8);
  });

  test("shrinks when fewer were wanted for the whole cool-down, the newest first (P3)", () => {
    const pool = new Pool(POLICY);
    pool.want(4, 0);
    pool.decide(0);
    pool.want(1, 1000);
    expect(pool.decide(1000)).toEqual([]);
    expect(pool.dueMs(1000)).toBe(31_000);
    // A short rise in between keeps more of them.
    pool.want(2, 20_000);
    pool.want(0, 21_000);
    expect(pool.decide(30_999)).toEqual([]);
    expect(pool.decide(31_000)).toEqual(stops(4, 3));
    for (const analyzer of [3, 4]) expect(pool.ended(analyzer, 32_000)).toBe(false);
    expect(pool.decide(50_999)).toEqual([]);
    expect(pool.decide(51_000)).toEqual(stops(2));
    expect(up(pool)).toEqual([1]);
  });

  test("starts a crashed one again after a backoff that doubles (P4)", () => {
    const pool = new Pool({ ...POLICY, max: 1 });
    pool.decide(0);
    let nowMs = 0;
    for (let crash = 1; crash <= 10; crash++) {
      nowMs += 10;
      expect(pool.ended(crash, nowMs)).toBe(true);
      expect(pool.members).toMatchObject([{ state: "crashed", analyzer: crash, crashes: crash }]);
      const waitMs = Math.min(MAX_CRASH_BACKOFF_MS, CRASH_BACKOFF_MS * 2 ** (crash - 1));
      expect(pool.dueMs(nowMs)).toBe(nowMs + waitMs);
      expect(pool.decide(nowMs + waitMs - 1)).toEqual([]);
      nowMs += waitMs;
      expect(pool.decide(nowMs)).toEqual(starts(crash + 1));
    }
    nowMs += STABLE_MS;
    pool.ended(11, nowMs);
    expect(pool.members).toMatchObject([{ state: "crashed", crashes: 1, restartMs: nowMs + CRASH_BACKOFF_MS }]);
  });

  test("kills what does not end in the drain time, once (P5)", () => {
    const pool = new Pool(POLICY);
    pool.decide(0);
    pool.close();
    expect(pool.decide(100)).toEqual(stops(1));
    expect(pool.members).toMatchObject([{ state: "draining", analyzer: 1 }]);
    expect(pool.dueMs(200)).toBe(10_100);
    expect(pool.decide(10_099)).toEqual([]);
    expect(pool.decide(10_100)).toEqual([{ kind: "kill", analyzer: 1 }]);
    expect(pool.decide(99_999)).toEqual([]);
    expect(pool.isOver).toBe(false);
    expect(pool.ended(1, 100_000)).toBe(false);
    expect(pool.isOver).toBe(true);
    expect(pool.decide(200_000)).toEqual([]);
  });

  test("waits for those that drain before it starts more than its most (P1)", () => {
    const pool = new Pool({ ...POLICY, min: 0, max: 2 });
    pool.setByHand(2);
    pool.decide(0);
    pool.setByHand(0);
    expect(pool.decide(1)).toEqual(stops(2, 1));
    pool.setByHand(2);
    expect(pool.decide(2)).toEqual([]);
    pool.ended(2, 3);
    expect(pool.decide(3)).toEqual(starts(3));
  });

  test("does what is set by hand, below its fewest too, until that is left to what is wanted", () => {
    const pool = new Pool(POLICY);
    pool.want(5, 0);
    pool.decide(0);
    pool.setByHand(0);
    expect(pool.decide(1)).toEqual(stops(5, 4, 3, 2, 1));
    pool.setByHand(9);
    expect(pool.byHand).toBe(8);
    pool.setByHand(undefined);
    for (const analyzer of [1, 2, 3, 4, 5]) pool.ended(analyzer, 2);
    expect(pool.decide(3)).toHaveLength(5);
  });

  test("gives up crashed seats before it stops one that is up", () => {
    const pool = new Pool(POLICY);
    pool.setByHand(3);
    pool.decide(0);
    pool.ended(1, 10);
    pool.setByHand(2);
    expect(pool.decide(20)).toEqual([]);
    expect(up(pool)).toEqual([2, 3]);
  });
});

type Step =
  | { readonly kind: "want"; readonly count: number }
  | { readonly kind: "hand"; readonly count: number | undefined }
  | { readonly kind: "end"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "close" };

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("want" as const), count: fc.nat(12) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("hand" as const), count: fc.option(fc.nat(12), { nil: undefined }) }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(20) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(20_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const) }) },
  ),
  { maxLength: 200 },
);
const policies = fc
  .record({ min: fc.nat(4), more: fc.integer({ min: 1, max: 6 }), coolDownMs: fc.nat(40_000), drainMs: fc.nat(20_000) })
  .map(({ min, more, ...times }) => ({ min, max: min + more, ...times }));

/** Runs a pool, keeping the processes that it would have and the rules that hold at every step. */
class World {
  readonly pool: Pool;
  readonly alive = new Map<number, { readonly startedMs: number; stoppedMs?: number; isKilled: boolean }>();
  readonly wanted: { readonly count: number; readonly atMs: number }[] = [];
  readonly #policy: PoolPolicy;
  nowMs = 0;
  isClosed = false;
  #known = 0;

  constructor(policy: PoolPolicy) {
    this.#policy = policy;
    this.pool = new Pool(policy);
    this.settle();
  }

  do(step: Step): void {
    switch (step.kind) {
      case "want":
        this.wanted.push({ count: step.count, atMs: this.nowMs });
        this.pool.want(step.count, this.nowMs);
        break;
      case "hand":
        this.pool.setByHand(step.count);
        break;
      case "end":
        this.end([...this.alive.keys()][step.which % Math.max(1, this.alive.size)]);
        break;
      case "pass":
        this.nowMs += step.ms;
        break;
      case "close":
        this.isClosed = true;
        this.pool.close();
        break;
    }
    this.settle();
  }

  end(analyzer: number | undefined): void {
    if (analyzer === undefined) return;
    const unasked = this.alive.get(analyzer)?.stoppedMs === undefined;
    this.alive.delete(analyzer);
    expect(this.pool.ended(analyzer, this.nowMs)).toBe(unasked);
  }

  settle(): void {
    for (const action of this.pool.decide(this.nowMs)) this.#carryOut(action);
    expect(this.pool.decide(this.nowMs)).toEqual([]);
    expect(this.alive.size).toBeLessThanOrEqual(this.#policy.max);
    this.#checkTarget();
  }

  #carryOut({ kind, analyzer }: PoolAction): void {
    const known = this.alive.get(analyzer);
    if (kind === "start") {
      expect(this.isClosed).toBe(false);
      expect(analyzer).toBeGreaterThan(this.#known);
      this.#known = analyzer;
      this.alive.set(analyzer, { startedMs: this.nowMs, isKilled: false });
      return;
    }
    if (known === undefined) throw new Error(`${kind} of an analyzer that has ended`);
    if (kind === "stop") {
      expect(known.stoppedMs).toBeUndefined();
      known.stoppedMs = this.nowMs;
    } else {
      expect(known.isKilled).toBe(false);
      expect(this.nowMs - (known.stoppedMs ?? Number.NaN)).toBeGreaterThanOrEqual(this.#policy.drainMs);
      known.isKilled = true;
    }
  }

  #checkTarget(): void {
    const { min, max, coolDownMs } = this.#policy;
    const target = this.pool.target(this.nowMs);
    const seats = this.pool.members.filter(({ state }) => state !== "draining").length;
    const draining = this.alive.size - this.pool.members.filter(({ state }) => state === "up").length;
    // P2: what drains may have to end first.
    if (seats !== target) expect([seats < target, seats + draining]).toEqual([true, max]);
    if (this.isClosed) expect(target).toBe(0);
    else if (this.pool.byHand !== undefined) expect(target).toBe(this.pool.byHand);
    else {
      // P3: every number that was in force within the cool-down, bounded.
      const inForce = this.wanted.filter((_, index) => {
        const next = this.wanted[index + 1];
        return next === undefined || this.nowMs - next.atMs < coolDownMs;
      });
      const highest = Math.max(min, ...inForce.map(({ count }) => Math.min(max, count)));
      expect(target).toBe(highest);
    }
  }
}

describe("whatever happens to a pool", () => {
  test("its rules hold at every step (P1 to P5)", () => {
    fc.assert(
      fc.property(policies, steps, (policy, sequence) => {
        const world = new World(policy);
        for (const step of sequence) world.do(step);
      }),
      { numRuns: 300 },
    );
  });

  test("it comes to rest with as many as the target, if nothing more happens", () => {
    fc.assert(
      fc.property(policies, steps, (policy, sequence) => {
        const world = new World(policy);
        for (const step of sequence) world.do(step);
        let rounds = 0;
        for (let due = world.pool.dueMs(world.nowMs); due !== undefined; due = world.pool.dueMs(world.nowMs)) {
          // What drains ends at the latest when it is killed.
          for (const [analyzer, { isKilled }] of world.alive) if (isKilled) world.end(analyzer);
          world.nowMs = due;
          world.settle();
          expect(++rounds).toBeLessThan(100);
        }
        for (const [analyzer, { isKilled }] of world.alive) if (isKilled) world.end(analyzer);
        world.settle();
        expect(world.alive.size).toBe(world.pool.target(world.nowMs));
        expect(world.pool.isOver).toBe(world.isClosed);
      }),
    );
  });
});
