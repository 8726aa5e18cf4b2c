/**
 * Sluice, through its SDK as any program would use it: one emitter, four analyzers of the same weight.
 * Settled: the node counts every task as completed, each result recorded with an fsync and answered with a receipt.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Admin, Analyzer, Emitter } from "@sluice/client";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const SETTLE_POLL_MS = 2;

async function producer(address: string): Promise<Producer> {
  const emitter = new Emitter({ address });
  const taskOf = (payload: Buffer) => ({ queue: QUEUE, type: "bench", payload });
  return {
    submit: async (payload) => {
      await emitter.submit(taskOf(payload));
    },
    submitBatch: async (payloads) => {
      const { accepted } = await emitter.submitMany(payloads.map(taskOf));
      if (accepted !== payloads.length) throw new Error(`only ${accepted} of ${payloads.length} tasks were accepted`);
    },
    close: () => emitter.close(),
  };
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  const admin = new Admin({ address });
  const completed = async (): Promise<number> => {
    const { queues } = await admin.stats(QUEUE);
    return queues.find(({ name }) => name === QUEUE)?.totals?.completed ?? 0;
  };
  const completedBefore = await completed();
  let handled = 0;
  const analyzers = Array.from(
    { length: workers },
    (_, index) =>
      new Analyzer({
        address,
        id: `bench-${index + 1}`,
        queues: QUEUE,
        concurrency: prefetch,
        handlers: ({ payload }) => {
          handled += 1;
          handle(payload);
        },
      }),
  );
  await Promise.all(analyzers.map((analyzer) => analyzer.start()));
  return {
    settle: async () => {
      while ((await completed()) < completedBefore + handled) await sleep(SETTLE_POLL_MS);
    },
    close: async () => {
      await Promise.all(analyzers.map((analyzer) => analyzer.close()));
      await admin.close();
    },
  };
};

export const adapter: Adapter = { producer, consumer };
