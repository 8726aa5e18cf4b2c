/**
 * Tasks in the hands of a test: a handler that waits until the test says how each one ends.
 */
import type { Handler, HandlerContext, ReceivedTask } from "@sluice/client";

/** One delivered task. */
export interface Job {
  readonly task: ReceivedTask;
  readonly context: HandlerContext;
  /** When the handler was called, wall clock. */
  readonly startMs: number;
  finish(value?: unknown): void;
  fail(error: Error): void;
}

const DEADLINE_MS = 5000;

/** Give its `handler` to an analyzer and take the jobs that come to it. */
export class Jobs {
  readonly #waiting: Job[] = [];
  #takers: ((job: Job) => void)[] = [];

  readonly handler: Handler = (task, context) =>
    new Promise((resolve, reject) => {
      const job: Job = { task, context, startMs: Date.now(), finish: resolve, fail: reject };
      const taker = this.#takers.shift();
      if (taker === undefined) this.#waiting.push(job);
      else taker(job);
    });

  /** Jobs that nobody has taken. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The next one, in the order of delivery. */
  next(): Promise<Job> {
    const job = this.#waiting.shift();
    if (job !== undefined) return Promise.resolve(job);
    return new Promise((resolve, reject) => {
      const taker = (late: Job): void => {
        clearTimeout(timer);
        resolve(late);
      };
      const timer = setTimeout(() => {
        this.#takers = this.#takers.filter((other) => other !== taker);
        reject(new Error(`no task came within ${DEADLINE_MS} ms`));
      }, DEADLINE_MS);
      this.#takers.push(taker);
    });
  }

  /** The next ones. */
  async take(count: number): Promise<Job[]> {
    const jobs: Job[] = [];
    while (jobs.length < count) jobs.push(await this.next());
    return jobs;
  }
}
