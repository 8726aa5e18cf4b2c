/** The load generator against a node that is made up. */
import { expect, test } from "vitest";
import { type LoadClock, type LoadPlan, type LoadTarget, runLoad } from "./load.ts";
import { readStamp } from "./stamp.ts";

const PLAN: LoadPlan = {
  phase: "measured",
  tasks: 1000,
  durationMs: 0,
  emitters: 2,
  inFlight: 3,
  batch: 7,
  payloadBytes: 16,
  ratePerSecond: 0,
};

/** A clock that only moves when somebody sleeps: to the earliest time anybody waits for. */
class VirtualClock implements LoadClock {
  #nowMs = 0;
  readonly #sleepers: { readonly timeMs: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  sleepUntil(timeMs: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ timeMs, wake });
      this.#sleepers.sort((a, b) => a.timeMs - b.timeMs);
      // After everything else that can go on without time passing.
      setImmediate(() => {
        const next = this.#sleepers.shift();
        if (next === undefined) return;
        this.#nowMs = Math.max(this.#nowMs, next.timeMs);
        next.wake();
      });
    });
  }
}

/** A node that answers each call after a time, and notes what it sees. */
class MadeUpNode implements LoadTarget {
  readonly clock: LoadClock;
  readonly answerMs: (call: number) => number;
  calls = 0;
  underWay = 0;
  mostUnderWay = 0;
  tasks = 0;
  largestCall = 0;
  readonly latenciesMs: number[] = [];

  constructor(clock: LoadClock, answerMs: (call: number) => number) {
    this.clock = clock;
    this.answerMs = answerMs;
  }

  async submit(_emitter: number, payloads: readonly Uint8Array[]): Promise<void> {
    const call = this.calls++;
    this.underWay++;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    this.tasks += payloads.length;
    this.largestCall = Math.max(this.largestCall, payloads.length);
    for (const payload of payloads) expect(readStamp(payload).phase).toBe("measured");
    await this.clock.sleepUntil(this.clock.nowMs() + this.answerMs(call));
    this.underWay--;
  }

  accepted(intendedMs: number, nowMs: number): void {
    this.latenciesMs.push(nowMs - intendedMs);
  }
}

test("L1, L2: the closed loop submits exactly what is planned and keeps every place busy", async () => {
  const clock = new VirtualClock();
  const node = new MadeUpNode(clock, () => 2);
  expect(await runLoad(PLAN, node, clock)).toBe(1000);
  expect(node).toMatchObject({ tasks: 1000, mostUnderWay: 6, largestCall: 7 });
  expect(new Set(node.latenciesMs)).toEqual(new Set([2]));
});

test("L1: the closed loop stops when the time is up", async () => {
  const clock = new VirtualClock();
  const node = new MadeUpNode(clock, () => 10);
  const submitted = await runLoad({ ...PLAN, tasks: 1_000_000, durationMs: 95 }, node, clock);
  expect(submitted).toBe(10 * 6 * 7);
  expect(node.latenciesMs).toHaveLength(submitted);
});

test("L1: the open loop keeps to its rate", async () => {
  const clock = new VirtualClock();
  const node = new MadeUpNode(clock, () => 1);
  const submitted = await runLoad({ ...PLAN, tasks: 1_000_000, durationMs: 500, ratePerSecond: 1000 }, node, clock);
  expect(submitted).toBe(500);
  expect(clock.nowMs()).toBeLessThan(510);
  expect(Math.max(...node.latenciesMs)).toBeLessThan(3);
});

test("L2: a node that stalls shows in the latency of all tasks that were due meanwhile", async () => {
  const clock = new VirtualClock();
  const stallMs = 100;
  const node = new MadeUpNode(clock, (call) => (call < 2 ? stallMs : 1));
  await runLoad({ ...PLAN, emitters: 1, inFlight: 2, tasks: 500, ratePerSecond: 1000 }, node, clock);
  expect(node.mostUnderWay).toBe(2);
  // At 1000 tasks/s about 100 tasks are due during the stall; they waited 50 ms on average.
  expect(node.latenciesMs.filter((ms) => ms > 5).length).toBeGreaterThan(80);
  expect(Math.max(...node.latenciesMs)).toBeGreaterThanOrEqual(stallMs - 2);
});

test.each([0, 1000])("L3: at rate %d the first failure ends the load", async (ratePerSecond) => {
  const clock = new VirtualClock();
  const node = new MadeUpNode(clock, () => 1);
  const failing: LoadTarget = {
    submit: (emitter, payloads) =>
      node.calls === 20 ? Promise.reject(new Error("the node is gone")) : node.submit(emitter, payloads),
    accepted: () => {},
  };
  await expect(runLoad({ ...PLAN, ratePerSecond }, failing, clock)).rejects.toThrow("the node is gone");
  expect(node.underWay).toBe(0);
  expect(node.tasks).toBeLessThan(PLAN.tasks);
});
