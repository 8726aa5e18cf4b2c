/** Submitting in a closed and in an open loop, to a producer that is made up. */
import { expect, test } from "vitest";
import type { Producer } from "./adapter.ts";
import { machineMs } from "./machine-clock.ts";
import { readPayload } from "./payload.ts";
import { type ClosedPlan, Progress, submitClosed, submitOpen } from "./producing.ts";

const PLAN: ClosedPlan = {
  loop: "closed",
  phase: 3,
  firstSequence: 0,
  payloadBytes: 64,
  batch: 7,
  inFlight: 4,
  durationMs: 60_000,
  maxTasks: 100,
};

/** Notes what it is given; answers in a later turn. */
class MadeUpProducer implements Producer {
  readonly sequences: number[] = [];
  readonly sizes: number[] = [];
  underWay = 0;
  mostUnderWay = 0;
  onSubmit = (): void => {};

  submit(payload: Buffer): Promise<void> {
    return this.submitBatch([payload]);
  }

  async submitBatch(payloads: readonly Buffer[]): Promise<void> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    this.sizes.push(payloads.length);
    for (const payload of payloads) this.sequences.push(readPayload(payload).sequence);
    this.onSubmit();
    await new Promise((resolve) => setImmediate(resolve));
    this.underWay -= 1;
  }

  async close(): Promise<void> {}
}

test("P1: exactly the planned tasks are submitted, so many calls at a time", async () => {
  const producer = new MadeUpProducer();
  const { tasks, startMs, endMs } = await submitClosed(producer, { ...PLAN, firstSequence: 50 }, new Progress());
  expect(tasks).toBe(100);
  expect(producer.sequences).toEqual(Array.from({ length: 100 }, (_, index) => 50 + index));
  expect(producer.mostUnderWay).toBe(4);
  expect(producer.sizes.at(-1)).toBe(100 % 7);
  expect(endMs).toBeGreaterThanOrEqual(startMs);
});

test("P1: no more are submitted than the backlog has room for, until handlers are further", async () => {
  const producer = new MadeUpProducer();
  const progress = new Progress();
  const ahead: number[] = [];
  let handled = 0;
  producer.onSubmit = () => ahead.push(producer.sequences.length - handled);
  const handler = setInterval(() => {
    handled = producer.sequences.length;
    progress.set(2, 1_000_000);
    progress.set(3, handled);
  }, 1);
  progress.begin(3);
  const { tasks } = await submitClosed(producer, { ...PLAN, maxBacklog: 20 }, progress);
  clearInterval(handler);
  expect(tasks).toBe(100);
  expect(Math.max(...ahead)).toBeLessThanOrEqual(20);
});

test("a submit that fails ends the load", async () => {
  const producer = new MadeUpProducer();
  producer.onSubmit = () => {
    throw new Error("refused");
  };
  await expect(submitClosed(producer, PLAN, new Progress())).rejects.toThrow("refused");
});

test("P2: tasks of an open loop carry the time at which they were due, however late they were submitted", async () => {
  const due: number[] = [];
  const producer: Producer = {
    submit: async (payload) => {
      due.push(readPayload(payload).dueMs);
    },
    submitBatch: async () => {},
    close: async () => {},
  };
  const plan = { loop: "open", phase: 1, payloadBytes: 64, ratePerSecond: 100, tasks: 5 } as const;
  const beforeMs = machineMs();
  const { tasks } = await submitOpen(producer, plan, async (request, callback) => {
    expect(request).toMatchObject({ ratePerSecond: 100, tasks: 5 });
    callback(2);
    callback(5);
  });
  expect(tasks).toBe(5);
  expect(due[0]).toBeGreaterThan(beforeMs);
  expect(due.map((dueMs) => Math.round(dueMs - (due[0] ?? 0)))).toEqual([0, 10, 20, 30, 40]);
});
