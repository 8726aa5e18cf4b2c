/** Analyzers of the SDK that do the work of the fault tests: wait, fail as often as the task says, return their lease. */
import { setTimeout as sleep } from "node:timers/promises";
import { Analyzer, type HandlerContext, type ReceivedTask } from "@sluice/client";
import type { ClientNotice, CrewRole, Work } from "./protocol.ts";

/** A running crew. Closing drains it. */
export class Crew {
  readonly #analyzers: readonly Analyzer[];
  #attached = 0;

  constructor({ analyzers, address, queue }: CrewRole, tell: (notice: ClientNotice) => void) {
    this.#analyzers = analyzers.map(({ id, weight, concurrency }) => {
      let isAttached = false;
      const note = (now: boolean): void => {
        if (now === isAttached) return;
        isAttached = now;
        this.#attached += now ? 1 : -1;
        tell({ kind: "attached", analyzers: this.#attached });
      };
      return new Analyzer({
        id,
        address,
        queues: queue,
        weight,
        concurrency,
        handlers: work,
        onEvent: ({ kind }) => {
          if (kind === "attached" || kind === "detached") note(kind === "attached");
        },
      });
    });
  }

  start(): void {
    // An analyzer that is refused for good must end this process, and does: nobody handles its rejection.
    for (const analyzer of this.#analyzers) void analyzer.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.#analyzers.map((analyzer) => analyzer.close()));
  }
}

async function work(task: ReceivedTask, { lease, attempt }: HandlerContext): Promise<string> {
  const { workMs, fails } = task.json<Work>();
  if (workMs > 0) await sleep(workMs);
  if (attempt <= fails) throw new Error(`attempt ${attempt} of a task that fails ${fails} times`);
  return lease.toString();
}
