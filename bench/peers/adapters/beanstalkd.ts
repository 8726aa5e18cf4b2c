/**
 * beanstalkd. One connection submits; a batch is that many puts without waiting in between. Each worker has a connection of
 * its own, since a job may only be deleted on the connection that reserved it.
 *
 * A worker sends its deletes together with the next reserves. While there is a backlog those are many that do not wait; when
 * it is over, a single one that does: behind a reserve that waits, a delete would wait too.
 * Settled: every delete has been answered.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Adapter, Consumer, Handle, Producer } from "../client/adapter.ts";
import { type Answer, BeanstalkdConnection } from "./beanstalkd-connection.ts";

const SETTLE_POLL_MS = 1;
/** Time to run: a job reserved for longer goes back. */
const TTR_S = 60;

async function producer(address: string): Promise<Producer> {
  const connection = await BeanstalkdConnection.open(address);
  const put = (payload: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      connection.send(`put 0 0 ${TTR_S} ${payload.length}`, payload, ({ words }) => {
        if (words[0] === "INSERTED") resolve();
        else reject(new Error(`put was answered ${words.join(" ")}`));
      });
    });
  return {
    submit: put,
    submitBatch: async (payloads) => {
      await Promise.all(payloads.map(put));
    },
    close: async () => connection.close(),
  };
}

/** One worker. */
class ReserveLoop {
  readonly #connection: BeanstalkdConnection;
  readonly #prefetch: number;
  readonly #handle: Handle;
  /** Reserves of the present round: unanswered, and answered with a job. */
  #asked = 0;
  #got = 0;
  /** Deletes that are not answered. */
  owed = 0;

  constructor(connection: BeanstalkdConnection, prefetch: number, handle: Handle) {
    this.#connection = connection;
    this.#prefetch = prefetch;
    this.#handle = handle;
    this.#wait();
  }

  close(): void {
    this.#connection.close();
  }

  #wait(): void {
    this.#asked = 1;
    this.#got = 0;
    this.#connection.send("reserve", undefined, (answer) => this.#reserved(answer));
  }

  #askForMore(): void {
    // As many again as there were, and as many more: from one to the prefetch in a few rounds.
    const count = Math.min(this.#prefetch, this.#got * 2);
    this.#asked = count;
    this.#got = 0;
    for (let i = 0; i < count; i++) {
      this.#connection.send("reserve-with-timeout 0", undefined, (answer) => this.#reserved(answer));
    }
  }

  #reserved({ words, body }: Answer): void {
    this.#asked -= 1;
    if (body !== undefined) {
      this.#got += 1;
      this.owed += 1;
      this.#handle(body);
      this.#connection.send(`delete ${words[1]}`, undefined, () => {
        this.owed -= 1;
      });
    }
    if (this.#asked > 0) return;
    if (this.#got > 0) this.#askForMore();
    else this.#wait();
  }
}

const consumer: Adapter["consumer"] = async (address, { workers, prefetch }, handle): Promise<Consumer> => {
  const connections = await Promise.all(Array.from({ length: workers }, () => BeanstalkdConnection.open(address)));
  const loops = connections.map((connection) => new ReserveLoop(connection, prefetch, handle));
  return {
    settle: async () => {
      while (loops.some((loop) => loop.owed > 0)) await sleep(SETTLE_POLL_MS);
    },
    close: async () => {
      for (const loop of loops) loop.close();
    },
  };
};

export const adapter: Adapter = { producer, consumer };
