/**
 * What the bench asks of the client library of every system. An adapter uses its library in the best way for the load: it
 * pipelines where that is possible, and acknowledges every task for itself, as handlers of different length would.
 */

/** Submits tasks. */
export interface Producer {
  /** Resolves when the server has accepted the task. */
  submit(payload: Buffer): Promise<void>;
  /** Resolves when the server has accepted all. */
  submitBatch(payloads: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/** Takes tasks. */
export interface Consumer {
  /**
   * Resolves when the server has recorded, as far as its protocol can tell, that every task handled so far is done. What
   * that means is in each adapter.
   */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** How tasks are taken. */
export interface ConsumerShape {
  readonly workers: number;
  /** Tasks that each worker holds at most. */
  readonly prefetch: number;
}

/** Is given what a worker took. Does nothing with it but count it. */
export type Handle = (payload: Uint8Array | string) => void;

/** One system's client library. */
export interface Adapter {
  /** Connects, and makes queue, stream or schema if they are not there. */
  producer(address: string): Promise<Producer>;
  /** Connects and begins to take tasks. A producer has been connected before. */
  consumer(address: string, shape: ConsumerShape, handle: Handle): Promise<Consumer>;
}

/** The one queue that all tasks go through. */
export const QUEUE = "bench";
