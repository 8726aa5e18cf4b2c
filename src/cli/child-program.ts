/**
 * This program itself, started again with other arguments, as a child.
 *
 *  P1  It runs in a process group of its own, so that Ctrl-C reaches the parent alone, which then stops it in order.
 *  P2  It holds an IPC channel, so that it stops by itself when the parent dies (see signals.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Where a child runs, and who reads it. */
export interface ChildSurroundings {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets each line of its standard output. */
  onLine(line: string): void;
  /** Gets each line of its error output. */
  onErrorLine?(line: string): void;
}

/** How a child ended. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Lines of output kept to explain a failure. */
const KEPT_LINES = 20;

/** A running child. */
export class ChildProgram {
  /** Resolves when the process has ended and its output is read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #ended = false;

  /** @param program path of this program's main module */
  constructor(program: string, args: readonly string[], surroundings: ChildSurroundings) {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: surroundings.directory,
      env: surroundings.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    this.#readLines(child.stdout, (line) => surroundings.onLine(line));
    this.#readLines(child.stderr, (line) => surroundings.onErrorLine?.(line));
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => {
        this.#ended = true;
        resolve({ status, signal });
      });
    });
    // Whoever awaits it sees the failure; before that it is nobody's unhandled rejection.
    this.exited.catch(() => {});
  }

  /** Undefined: it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it wrote last, to explain a failure. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Asks it to stop in order. */
  terminate(): void {
    if (!this.#ended) this.#child.kill("SIGTERM");
  }

  /** Ends it as a second signal does, without waiting: it still kills what it has started. */
  endAtOnce(): void {
    // Two of a kind may arrive as one.
    for (const signal of ["SIGTERM", "SIGINT"] as const) if (!this.#ended) this.#child.kill(signal);
  }

  /** Kills it as a crash would. */
  crash(): Promise<Exit> {
    this.#child.kill("SIGKILL");
    return this.exited;
  }

  /** Asks it to stop in order; kills it when it has not within `graceMs`. */
  async stop(graceMs: number): Promise<Exit> {
    this.terminate();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #readLines(stream: ChildProcess["stdout"], onLine: (line: string) => void): void {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
      onLine(line);
    });
  }
}
