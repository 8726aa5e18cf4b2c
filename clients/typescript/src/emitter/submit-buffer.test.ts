import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BufferedTask, type SubmitSink } from "./buffered-task.ts";
import { SubmitBuffer } from "./submit-buffer.ts";

const LIMITS = { maxTasks: 10, maxBytes: 1000, maxBatchTasks: 4, maxBatchBytes: 300 };

const SINK: SubmitSink = { admitted: () => {}, accepted: () => {}, refused: () => {} };

function taskOf(bytes = 10, sink = SINK): BufferedTask {
  return new BufferedTask("id", new Uint8Array(bytes), sink, 0);
}

type Step =
  | { readonly do: "add"; readonly bytes: number }
  | { readonly do: "take" }
  | { readonly do: "giveBack" | "answer"; readonly pick: number }
  | { readonly do: "drop"; readonly pick: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("add" as const), bytes: fc.oneof(fc.nat(150), fc.constant(1200)) }),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "take" }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom("giveBack" as const, "answer" as const), pick: fc.nat(20) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), pick: fc.nat(50) }) },
  ),
  { maxLength: 150 },
);

describe("the submit buffer", () => {
  it("keeps its bounds and the order, and settles every task once (B1 to B4)", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const buffer = new SubmitBuffer(LIMITS);
        const all: BufferedTask[] = [];
        const batches: BufferedTask[][] = [];
        let settled = 0;
        const settle = (task: BufferedTask): void => {
          if (buffer.settle(task)) settled++;
        };
        const inside = (): BufferedTask[] => all.filter(({ state }) => state === "waiting" || state === "sent");
        for (const step of script) {
          if (step.do === "add") {
            const task = taskOf(step.bytes);
            all.push(task);
            buffer.add(task, 0);
          } else if (step.do === "take") {
            const first = all.find(({ state }) => state === "waiting");
            const batch = buffer.take();
            if (batch.length > 0) batches.push(batch);
            expect(batch[0]).toBe(first);
            expect(batch.map(({ sequence }) => sequence)).toEqual(
              batch.map(({ sequence }) => sequence).sort((a, b) => a - b),
            );
            expect(batch.length).toBeLessThanOrEqual(LIMITS.maxBatchTasks);
            const bytes = batch.reduce((sum, task) => sum + task.bytes, 0);
            expect(batch.length <= 1 || bytes <= LIMITS.maxBatchBytes).toBe(true);
          } else if (step.do === "drop") {
            const task = all[step.pick % Math.max(1, all.length)];
            if (task !== undefined) settle(task);
          } else {
            const [batch = []] = batches.length === 0 ? [] : batches.splice(step.pick % batches.length, 1);
            if (step.do === "giveBack") buffer.giveBack(batch);
            else for (const task of batch) settle(task);
          }
          const now = inside();
          expect(buffer.inside).toBe(now.length);
          expect(now.length).toBeLessThanOrEqual(LIMITS.maxTasks);
          const bytes = now.reduce((sum, task) => sum + task.bytes, 0);
          expect(now.length <= 1 || bytes <= LIMITS.maxBytes).toBe(true);
        }
        for (const batch of batches) for (const task of batch) settle(task);
        for (let batch = buffer.take(); batch.length > 0; batch = buffer.take()) for (const task of batch) settle(task);
        expect(settled).toBe(all.length);
        expect(buffer.unsettled).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("tells the sink of a task outside when there is room", () => {
    const buffer = new SubmitBuffer({ ...LIMITS, maxTasks: 1 });
    let admitted = 0;
    const first = taskOf();
    expect(buffer.add(first, 0)).toBe(true);
    expect(buffer.add(taskOf(1, { ...SINK, admitted: () => admitted++ }), 0)).toBe(false);
    buffer.settle(first);
    expect(admitted).toBe(1);
  });

  it("finds what has failed for too long, counted from the start of the trouble", () => {
    const buffer = new SubmitBuffer({ ...LIMITS, maxTasks: 2 });
    const tasks = [taskOf(), taskOf(), taskOf()];
    for (const [index, task] of tasks.entries()) buffer.add(task, index * 10);
    expect(buffer.expired(0, 9)).toEqual(tasks.slice(0, 1));
    expect(buffer.expired(15, 14)).toEqual([]);
    expect(buffer.expired(15, 20)).toEqual(tasks);
  });
});
