/**
 * The part of the peers' client libraries that the bench uses. They are installed by the bench on first use only, so the
 * compiler cannot ask them; what is declared here takes precedence when it could.
 */

declare module "bullmq" {
  interface Connection {
    readonly host: string;
    readonly port: number;
    readonly maxRetriesPerRequest: null;
  }
  interface JobOptions {
    readonly removeOnComplete: boolean;
  }
  export class Queue {
    constructor(name: string, options: { readonly connection: Connection });
    waitUntilReady(): Promise<unknown>;
    add(name: string, data: string, options: JobOptions): Promise<unknown>;
    addBulk(
      jobs: readonly { readonly name: string; readonly data: string; readonly opts: JobOptions }[],
    ): Promise<unknown>;
    close(): Promise<void>;
  }
  export class Worker {
    constructor(
      name: string,
      processor: (job: { readonly data: string }) => Promise<void>,
      options: { readonly connection: Connection; readonly concurrency: number },
    );
    waitUntilReady(): Promise<unknown>;
    on(event: "completed", listener: () => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    close(force: boolean): Promise<void>;
  }
}

declare module "@nats-io/transport-node" {
  export interface Msg {
    readonly subject: string;
    string(): string;
  }
  export interface NatsConnection {
    publish(subject: string, payload: Uint8Array, options: { readonly reply: string }): void;
    subscribe(subject: string, options: { readonly callback: (error: Error | null, message: Msg) => void }): unknown;
    flush(): Promise<void>;
    close(): Promise<void>;
  }
  export function connect(options: { readonly servers: string }): Promise<NatsConnection>;
  export function createInbox(): string;
}

declare module "@nats-io/jetstream" {
  import type { NatsConnection } from "@nats-io/transport-node";

  export const StorageType: { readonly File: string };
  export const RetentionPolicy: { readonly Workqueue: string };
  export const AckPolicy: { readonly Explicit: string };
  interface Message {
    readonly data: Uint8Array;
    ack(): void;
  }
  interface PullConsumer {
    consume(options: {
      readonly max_messages: number;
      readonly callback: (message: Message) => void;
    }): Promise<{ stop(): void }>;
  }
  export function jetstream(connection: NatsConnection): {
    readonly consumers: { get(stream: string, consumer: string): Promise<PullConsumer> };
  };
  export function jetstreamManager(connection: NatsConnection): Promise<{
    readonly streams: {
      add(config: {
        readonly name: string;
        readonly subjects: readonly string[];
        readonly storage: string;
        readonly retention: string;
      }): Promise<unknown>;
    };
    readonly consumers: {
      add(
        stream: string,
        config: {
          readonly durable_name: string;
          readonly ack_policy: string;
          readonly ack_wait: number;
          readonly max_ack_pending: number;
        },
      ): Promise<unknown>;
    };
  }>;
}

declare module "amqplib" {
  interface Message {
    readonly content: Buffer;
  }
  interface Channel {
    prefetch(count: number): Promise<unknown>;
    consume(queue: string, handle: (message: Message | null) => void): Promise<unknown>;
    ack(message: Message): void;
    checkQueue(queue: string): Promise<unknown>;
  }
  interface ConfirmChannel extends Channel {
    assertQueue(
      queue: string,
      options: { readonly durable: boolean; readonly arguments: Readonly<Record<string, string>> },
    ): Promise<unknown>;
    sendToQueue(
      queue: string,
      content: Buffer,
      options: { readonly persistent: boolean },
      confirmed: (error: Error | null) => void,
    ): boolean;
  }
  interface Connection {
    createChannel(): Promise<Channel>;
    createConfirmChannel(): Promise<ConfirmChannel>;
    close(): Promise<void>;
  }
  export function connect(url: string): Promise<Connection>;
}

declare module "pg" {
  export class Pool {
    constructor(options: { readonly connectionString: string; readonly max: number });
    query(text: string, values: readonly unknown[]): Promise<unknown>;
    end(): Promise<void>;
  }
}

declare module "graphile-worker" {
  import type { EventEmitter } from "node:events";
  import type { Pool } from "pg";

  export class Logger {
    constructor(factory: () => () => void);
  }
  export function makeWorkerUtils(options: { readonly pgPool: Pool; readonly logger: Logger }): Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: string): Promise<unknown>;
    release(): Promise<void>;
  }>;
  export function run(options: {
    readonly connectionString: string;
    readonly concurrency: number;
    readonly maxPoolSize: number;
    readonly pollInterval: number;
    readonly noHandleSignals: boolean;
    readonly logger: Logger;
    readonly events: EventEmitter;
    readonly taskList: Readonly<Record<string, (payload: unknown) => void>>;
  }): Promise<{ stop(): Promise<void> }>;
}

declare module "pg-boss" {
  // biome-ignore lint/style/noDefaultExport: that is what the package exports
  export default class PgBoss {
    constructor(options: {
      readonly connectionString: string;
      readonly max: number;
      readonly schedule: boolean;
      readonly supervise: boolean;
    });
    on(event: "error", listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    stop(options: { readonly graceful: boolean }): Promise<void>;
    createQueue(name: string): Promise<void>;
    send(name: string, data: object): Promise<unknown>;
    insert(jobs: readonly { readonly name: string; readonly data: object }[]): Promise<void>;
    fetch<Data>(
      name: string,
      options: { readonly batchSize: number },
    ): Promise<readonly { readonly id: string; readonly data: Data }[]>;
    complete(name: string, ids: readonly string[]): Promise<unknown>;
  }
}
