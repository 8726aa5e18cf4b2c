/**
 * RabbitMQ: one quorum queue, persistent messages, publisher confirms. A batch is that many publishes without waiting in
 * between. Every message is acknowledged for itself.
 * Settled: the server has answered a call that each channel made behind its acknowledgements. They are not confirmed.
 */
import { connect } from "amqplib";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const QUEUE_OPTIONS = { durable: true, arguments: { "x-queue-type": "quorum" } };

async function producer(address: string): Promise<Producer> {
  const connection = await connect(`amqp://${address}`);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(QUEUE, QUEUE_OPTIONS);
  const publish = (payload: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.sendToQueue(QUEUE, payload, { persistent: true }, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  return {
    submit: publish,
    submitBatch: async (payloads) => {
      await Promise.all(payloads.map(publish));
    },
    close: () => connection.close(),
  };
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  const connections = await Promise.all(Array.from({ length: workers }, () => connect(`amqp://${address}`)));
  const channels = await Promise.all(
    connections.map(async (connection) => {
      const channel = await connection.createChannel();
      await channel.prefetch(prefetch);
      await channel.consume(QUEUE, (message) => {
        if (message === null) return;
        handle(message.content);
        channel.ack(message);
      });
      return channel;
    }),
  );
  return {
    settle: async () => {
      await Promise.all(channels.map((channel) => channel.checkQueue(QUEUE)));
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
};

export const adapter: Adapter = { producer, consumer };
