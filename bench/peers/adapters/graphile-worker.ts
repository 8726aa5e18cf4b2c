/**
 * graphile-worker on PostgreSQL. A batch is one call of its SQL function add_jobs. Its workers take one job per query and are
 * woken by LISTEN/NOTIFY.
 * Settled: the query that ends the job has been answered, for every job.
 */
import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

/** Connections of the producer, and of each worker: more were not faster on two cores. */
const POOL_SIZE = 10;
const SETTLE_POLL_MS = 1;
const POLL_MS = 1000;
const quiet = new Logger(() => () => {});
const ADD_JOBS = `select count(*) from graphile_worker.add_jobs(array(
  select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', '${QUEUE}', 'payload', to_json(p)))
  from unnest($1::text[]) p))`;

async function producer(address: string): Promise<Producer> {
  const pgPool = new Pool({ connectionString: address, max: POOL_SIZE });
  const utils = await makeWorkerUtils({ pgPool, logger: quiet });
  await utils.migrate();
  return {
    submit: async (payload) => {
      await utils.addJob(QUEUE, payload.toString("latin1"));
    },
    submitBatch: async (payloads) => {
      await pgPool.query(ADD_JOBS, [payloads.map((payload) => payload.toString("latin1"))]);
    },
    close: async () => {
      await utils.release();
      await pgPool.end();
    },
  };
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  let handled = 0;
  let completed = 0;
  const events = new EventEmitter();
  events.on("job:complete", () => {
    completed += 1;
  });
  const task = (payload: unknown): void => {
    handled += 1;
    handle(String(payload));
  };
  const runners = await Promise.all(
    Array.from({ length: workers }, () =>
      run({
        connectionString: address,
        concurrency: prefetch,
        maxPoolSize: POOL_SIZE,
        pollInterval: POLL_MS,
        noHandleSignals: true,
        logger: quiet,
        events,
        taskList: { [QUEUE]: task },
      }),
    ),
  );
  return {
    settle: async () => {
      while (completed < handled) await sleep(SETTLE_POLL_MS);
    },
    close: async () => {
      await Promise.all(runners.map((runner) => runner.stop()));
    },
  };
};

export const adapter: Adapter = { producer, consumer };
