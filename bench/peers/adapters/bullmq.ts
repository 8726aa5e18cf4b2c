/**
 * BullMQ on Redis. A batch is an addBulk: one round trip. Completed jobs are removed at once, its fastest setting.
 * Settled: Redis has answered the script that ends the job, for every job.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Worker } from "bullmq";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const SETTLE_POLL_MS = 1;
const JOB_OPTIONS = { removeOnComplete: true };

function connectionTo(address: string) {
  const [host = "", port = ""] = address.split(":");
  return { host, port: Number(port), maxRetriesPerRequest: null };
}

async function producer(address: string): Promise<Producer> {
  const queue = new Queue(QUEUE, { connection: connectionTo(address) });
  await queue.waitUntilReady();
  const jobOf = (payload: Buffer) => ({ name: "bench", data: payload.toString("latin1"), opts: JOB_OPTIONS });
  return {
    submit: async (payload) => {
      await queue.add("bench", payload.toString("latin1"), JOB_OPTIONS);
    },
    submitBatch: async (payloads) => {
      await queue.addBulk(payloads.map(jobOf));
    },
    close: () => queue.close(),
  };
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  let handled = 0;
  let completed = 0;
  const all = Array.from({ length: workers }, () => {
    const worker = new Worker(
      QUEUE,
      async ({ data }) => {
        handled += 1;
        handle(data);
      },
      { connection: connectionTo(address), concurrency: prefetch },
    );
    worker.on("completed", () => {
      completed += 1;
    });
    worker.on("error", (error) => console.error(error));
    return worker;
  });
  await Promise.all(all.map((worker) => worker.waitUntilReady()));
  return {
    settle: async () => {
      while (completed < handled) await sleep(SETTLE_POLL_MS);
    },
    close: async () => {
      await Promise.all(all.map((worker) => worker.close(true)));
    },
  };
};

export const adapter: Adapter = { producer, consumer };
