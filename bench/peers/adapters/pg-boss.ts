/**
 * pg-boss on PostgreSQL. A batch is one insert. Each worker fetches up to its prefetch, handles, and ends all of them with one
 * query; when there was nothing it looks again after a short pause. That is its own `work` loop but for the pause, which is at
 * least half a second there.
 * Settled: the query that ends the jobs has been answered, for every job.
 */
import { setTimeout as sleep } from "node:timers/promises";
import PgBoss from "pg-boss";
import type { Adapter, Consumer, Handle, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const POOL_SIZE = 10;
const IDLE_POLL_MS = 5;
const SETTLE_POLL_MS = 1;

async function connect(address: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: address, max: POOL_SIZE, schedule: false, supervise: false });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  return boss;
}

async function producer(address: string): Promise<Producer> {
  const boss = await connect(address);
  await boss.createQueue(QUEUE);
  const dataOf = (payload: Buffer) => ({ p: payload.toString("latin1") });
  return {
    submit: async (payload) => {
      await boss.send(QUEUE, dataOf(payload));
    },
    submitBatch: (payloads) => boss.insert(payloads.map((payload) => ({ name: QUEUE, data: dataOf(payload) }))),
    close: () => boss.stop({ graceful: false }),
  };
}

/** One worker: its loop goes on until it is closed. */
class FetchLoop {
  readonly #boss: PgBoss;
  readonly #prefetch: number;
  readonly #handle: Handle;
  readonly #ended: Promise<void>;
  #open = true;
  /** Handled and not yet ended. */
  owed = 0;

  constructor(boss: PgBoss, prefetch: number, handle: Handle) {
    this.#boss = boss;
    this.#prefetch = prefetch;
    this.#handle = handle;
    this.#ended = this.#run();
  }

  close(): Promise<void> {
    this.#open = false;
    return this.#ended;
  }

  async #run(): Promise<void> {
    while (this.#open) {
      const jobs = await this.#boss.fetch<{ readonly p: string }>(QUEUE, { batchSize: this.#prefetch });
      if (jobs.length === 0) {
        await sleep(IDLE_POLL_MS);
        continue;
      }
      this.owed += jobs.length;
      for (const job of jobs) this.#handle(job.data.p);
      await this.#boss.complete(
        QUEUE,
        jobs.map((job) => job.id),
      );
      this.owed -= jobs.length;
    }
  }
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  const boss = await connect(address);
  const loops = Array.from({ length: workers }, () => new FetchLoop(boss, prefetch, handle));
  return {
    settle: async () => {
      while (loops.some((loop) => loop.owed > 0)) await sleep(SETTLE_POLL_MS);
    },
    close: async () => {
      await Promise.all(loops.map((loop) => loop.close()));
      await boss.stop({ graceful: false });
    },
  };
};

export const adapter: Adapter = { producer, consumer };
