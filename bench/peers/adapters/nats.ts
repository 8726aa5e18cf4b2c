/**
 * NATS JetStream: a work-queue stream on file storage and one durable pull consumer that all workers share. A publish is
 * accepted with its PubAck; a batch is that many publishes without waiting in between. PubAcks come through one subscription,
 * as in the asynchronous publish of NATS's other clients: the JavaScript client's own `publish` sets a timer and more for each
 * message, which cost several times the processor time.
 * Settled: the server has read every acknowledgement (a PING behind them is answered). They are not confirmed one by one.
 */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import type { Adapter, Consumer, Producer } from "../client/adapter.ts";
import { QUEUE } from "../client/adapter.ts";

const ACK_WAIT_NS = 60e9;
/** A PubAck without an error: that would come first. */
const ACCEPTED = `{"stream":"${QUEUE}"`;

async function producer(address: string): Promise<Producer> {
  const connection = await connect({ servers: address });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: QUEUE,
    subjects: [QUEUE],
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
  });
  const publisher = new Publisher(connection);
  return {
    submit: (payload) => publisher.publish(payload),
    submitBatch: async (payloads) => {
      await Promise.all(payloads.map((payload) => publisher.publish(payload)));
    },
    close: () => connection.close(),
  };
}

/** Publishes without waiting, and tells each publish's PubAck by the subject it comes back on. */
class Publisher {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  #published = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => {
        const { subject } = message;
        const waiting = this.#waiting.get(subject);
        this.#waiting.delete(subject);
        const answer = message.string();
        if (answer.startsWith(ACCEPTED)) waiting?.resolve();
        else waiting?.reject(new Error(`publish was answered '${answer}'`));
      },
    });
  }

  publish(payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const reply = `${this.#inbox}.${this.#published++}`;
      this.#waiting.set(reply, { resolve, reject });
      this.#connection.publish(QUEUE, payload, { reply });
    });
  }
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
