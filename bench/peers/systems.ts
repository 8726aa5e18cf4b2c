/** The systems that are measured, how each is set up, and what an answered submit is worth there. */
import type { Subject } from "../history/record.ts";
import { beanstalkdServer } from "./servers/beanstalkd.ts";
import { natsServer } from "./servers/nats.ts";
import { postgresServer } from "./servers/postgres.ts";
import { rabbitmqServer } from "./servers/rabbitmq.ts";
import { redisServer } from "./servers/redis.ts";
import type { StartServer } from "./servers/server.ts";
import { sluiceServer } from "./servers/sluice.ts";

/** One system in one setting. */
export interface PeerSystem extends Omit<Subject, "version"> {
  /** See `adapters/index.ts`. */
  readonly adapter: string;
  /** Package of its client library, whose version is recorded. */
  readonly clientPackage: string;
  readonly start: StartServer;
  /** Node.js that its client processes run on; undefined = that of the bench. */
  readonly execPath?: string;
}

/** Sluice on one Node.js. @param program path of the built command line */
export function sluiceOn(program: string, execPath: string, id = "sluice", label = "Sluice"): PeerSystem {
  return {
    id,
    label,
    adapter: "sluice",
    clientPackage: "@sluice/client",
    durability: "a log in front of LMDB; one fsync for all submits that wait for it, before each is answered",
    syncsBeforeAnswer: true,
    start: sluiceServer(program, execPath),
    execPath,
  };
}

/** The systems to compare Sluice with. */
export const PEERS: readonly PeerSystem[] = [
  {
    id: "rabbitmq-quorum",
    label: "RabbitMQ, quorum queue",
    adapter: "rabbitmq",
    clientPackage: "amqplib",
    durability: "quorum queue of one node; its log is fsynced before the publisher confirm",
    syncsBeforeAnswer: true,
    start: rabbitmqServer,
  },
  {
    id: "nats-always",
    label: "NATS JetStream, sync always",
    adapter: "nats",
    clientPackage: "@nats-io/jetstream",
    durability: "file storage, sync_interval: always; an fsync per message, before its PubAck",
    syncsBeforeAnswer: true,
    start: natsServer("always"),
  },
  {
    id: "nats-default",
    label: "NATS JetStream",
    adapter: "nats",
    clientPackage: "@nats-io/jetstream",
    durability: "file storage; written to the page cache before the PubAck, fsync every 2 minutes",
    syncsBeforeAnswer: false,
    start: natsServer("default"),
  },
  {
    id: "beanstalkd-f0",
    label: "beanstalkd -f0",
    adapter: "beanstalkd",
    clientPackage: "",
    durability: "write-ahead log; an fsync per job, before INSERTED",
    syncsBeforeAnswer: true,
    start: beanstalkdServer(0),
  },
  {
    id: "beanstalkd-f50",
    label: "beanstalkd -f50",
    adapter: "beanstalkd",
    clientPackage: "",
    durability:
      "write-ahead log; at most one fsync in 50 ms, at a later write: the last jobs before a pause are not synced",
    syncsBeforeAnswer: false,
    start: beanstalkdServer(50),
  },
  {
    id: "bullmq-always",
    label: "BullMQ, Redis always",
    adapter: "bullmq",
    clientPackage: "bullmq",
    durability: "appendfsync always; one fsync per turn of Redis's event loop, before its answers",
    syncsBeforeAnswer: true,
    start: redisServer("always"),
  },
  {
    id: "bullmq-everysec",
    label: "BullMQ, Redis everysec",
    adapter: "bullmq",
    clientPackage: "bullmq",
    durability: "appendfsync everysec; fsync once a second: up to about 2 s of answered jobs can be lost",
    syncsBeforeAnswer: false,
    start: redisServer("everysec"),
  },
  {
    id: "graphile-worker",
    label: "graphile-worker",
    adapter: "graphile-worker",
    clientPackage: "graphile-worker",
    durability: "PostgreSQL, synchronous_commit = on; WAL fsynced before the answer, commits grouped",
    syncsBeforeAnswer: true,
    start: postgresServer,
  },
  {
    id: "pg-boss",
    label: "pg-boss",
    adapter: "pg-boss",
    clientPackage: "pg-boss",
    durability: "PostgreSQL, synchronous_commit = on; WAL fsynced before the answer, commits grouped",
    syncsBeforeAnswer: true,
    start: postgresServer,
  },
];

/** Those whose id is, or begins with, one of the names; all without names. Throws for a name that fits none. */
export function selectSystems(systems: readonly PeerSystem[], names: readonly string[] | undefined): PeerSystem[] {
  if (names === undefined) return [...systems];
  const fits = (id: string, name: string): boolean => id === name || id.startsWith(`${name}-`);
  for (const name of names) {
    if (systems.some(({ id }) => fits(id, name))) continue;
    throw new Error(`there is no system ${name}: name some of ${systems.map(({ id }) => id).join(", ")}`);
  }
  return systems.filter(({ id }) => names.some((name) => fits(id, name)));
}
