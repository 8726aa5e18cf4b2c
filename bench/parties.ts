/** The clients of one run: emitters and analyzers on the SDK, as a program of a user would have them. */
import { Admin, Analyzer, Emitter } from "@sluice/client";
import type { Measure } from "./measure.ts";
import { monotonicMs } from "./monotonic.ts";
import type { BenchOptions } from "./options.ts";

/** How far a node is with the queue of a run, since its start. */
export interface QueueProgress {
  readonly completed: number;
  readonly version: string;
  readonly store: string;
}

/** All clients of a run. Handlers do nothing but take the time. */
export class Parties {
  readonly #emitters: readonly Emitter[];
  readonly #analyzers: readonly Analyzer[];
  readonly #admin: Admin;
  readonly #queue: string;

  /**
   * @param queue of this run alone, so that its counts are ours
   * @param measure what handlers are recorded in
   */
  constructor(options: BenchOptions, address: string, queue: string, measure: Measure) {
    this.#queue = queue;
    this.#admin = new Admin({ address });
    this.#emitters = Array.from({ length: options.emitters }, () => new Emitter({ address }));
    this.#analyzers = options.weights.map(
      (weight, index) =>
        new Analyzer({
          address,
          id: `${queue}-${index + 1}`,
          queues: [queue],
          weight,
          concurrency: options.concurrency,
          handlers: (task) => {
            measure.recordHandled(index, task.payload, monotonicMs());
          },
        }),
    );
  }

  /**
   * Resolves when every analyzer is attached. Asks the node something first, since analyzers go on trying for ever to reach
   * one: rejects with UNAVAILABLE when nobody is there.
   */
  async start(): Promise<void> {
    await this.progress();
    await Promise.all(this.#analyzers.map((analyzer) => analyzer.start()));
  }

  /** Resolves when all tasks are accepted; rejects when one is not, or was there before. */
  async submit(emitter: number, payloads: readonly Uint8Array[]): Promise<void> {
    const sender = this.#emitters[emitter];
    if (sender === undefined) throw new Error(`there is no emitter ${emitter}`);
    const summary = await sender.submitMany(payloads.map((payload) => ({ queue: this.#queue, payload })));
    if (summary.accepted !== payloads.length || summary.duplicates > 0) {
      const reason = summary.failed[0]?.error.message ?? `${summary.duplicates} were there before`;
      throw new Error(`only ${summary.accepted} of ${payloads.length} tasks were accepted: ${reason}`);
    }
  }

  /** Asks the node how far it is. */
  async progress(): Promise<QueueProgress> {
    const stats = await this.#admin.stats(this.#queue);
    return {
      completed: stats.queues.find((queue) => queue.name === this.#queue)?.totals?.completed ?? 0,
      version: stats.node?.version ?? "unknown",
      store: stats.node?.store ?? "unknown",
    };
  }

  /** Ends all clients in order. */
  async close(): Promise<void> {
    await Promise.all(this.#emitters.map((emitter) => emitter.close()));
    await Promise.all(this.#analyzers.map((analyzer) => analyzer.close()));
    await this.#admin.close();
  }
}
