/**
 * NATS JetStream: a work-queue stream on file storage and one durable pull consumer that all workers share. A publish is
 * accepted with its PubAck; a batch is that many publishes without waiting in between.
 * Settled: the server has read every acknowledgement (a PING behind them is answered). They are not confirmed one by one.
 */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const ACK_WAIT_NS = 60e9;

async function producer(address: string): Promise<Producer> {
  const connection = await connect({ servers: address });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: QUEUE,
    subjects: [QUEUE],
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
  });
  const client = jetstream(connection);
  return {
    submit: async (payload) => {
      await client.publish(QUEUE, payload);
    },
    submitBatch: async (payloads) => {
      await Promise.all(payloads.map((payload) => client.publish(QUEUE, payload)));
    },
    close: () => connection.close(),
  };
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  const connections = await Promise.all(Array.from({ length: workers }, () => connect({ servers: address })));
  const [first] = connections;
  if (first === undefined) throw new Error("there must be a worker");
  const manager = await jetstreamManager(first);
  await manager.consumers.add(QUEUE, {
    durable_name: QUEUE,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_NS,
    max_ack_pending: workers * prefetch,
  });
  const streams = await Promise.all(
    connections.map(async (connection) => {
      const pull = await jetstream(connection).consumers.get(QUEUE, QUEUE);
      return await pull.consume({
        max_messages: prefetch,
        callback: (message) => {
          handle(message.data);
          message.ack();
        },
      });
    }),
  );
  return {
    settle: async () => {
      await Promise.all(connections.map((connection) => connection.flush()));
    },
    close: async () => {
      for (const stream of streams) stream.stop();
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
};

export const adapter: Adapter = { producer, consumer };
