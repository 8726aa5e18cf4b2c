/** The prober as the harness sees it: a child process that gives figures when asked. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Programs } from "./programs.ts";

/** What the prober saw in a while. */
export interface ProbeFigures {
  readonly tasks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Tasks that were refused for good. */
  readonly failures: number;
}

/** A running prober. */
export class Probe implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a prober of the node on this port. */
  static async start(programs: Programs, port: number, tasksPerSecond: number): Promise<Probe> {
    const child = fork(programs.prober, [String(port), String(tasksPerSecond)]);
    const probe = new Probe(child);
    await probe.#next();
    return probe;
  }

  /** The figures since the last call. */
  async take(): Promise<ProbeFigures> {
    const answer = this.#next();
    this.#child.send("take");
    const figures: unknown = await answer;
    if (!isFigures(figures)) throw new Error(`the prober answered ${JSON.stringify(figures)}`);
    return figures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error("the prober has ended: its output says why"));
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer: unknown) => {
        this.#child.off("exit", onExit);
        resolve(answer);
      });
    });
  }
}

function isFigures(value: unknown): value is ProbeFigures {
  return typeof value === "object" && value !== null && "p99Ms" in value;
}
