/** Loads one adapter, and with it no client library but its own. */
import type { Adapter } from "../client/adapter.ts";

const ADAPTERS: Readonly<Record<string, () => Promise<{ readonly adapter: Adapter }>>> = {
  sluice: () => import("./sluice.ts"),
  bullmq: () => import("./bullmq.ts"),
  beanstalkd: () => import("./beanstalkd.ts"),
  nats: () => import("./nats.ts"),
  rabbitmq: () => import("./rabbitmq.ts"),
  "graphile-worker": () => import("./graphile-worker.ts"),
  "pg-boss": () => import("./pg-boss.ts"),
};

/** The adapter of this name; rejects when there is none, or when its client library is not installed. */
export async function loadAdapter(name: string): Promise<Adapter> {
  const load = ADAPTERS[name];
  if (load === undefined) throw new Error(`there is no adapter ${name}`);
  return (await load()).adapter;
}
