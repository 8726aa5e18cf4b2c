/**
 * A process of the demo: this program itself with other arguments.
 *
 *  P1  It runs in a process group of its own, so that Ctrl-C reaches the demo alone, which then stops it in order.
 *  P2  It holds an IPC channel, so that it stops by itself when the demo dies (see signals.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Where a process runs, and who reads it. */
export interface DemoSurroundings {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets each line of its standard output. */
  onLine(line: string): void;
}

/** How a process ended. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Lines of output kept to explain a failure. */
const KEPT_LINES = 20;

/** A running process of the demo. */
export class DemoProcess {
  /** Resolves when the process has ended and its output is read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #ended = false;

  /** @param program path of this program's main module */
  constructor(program: string, args: readonly string[], surroundings: DemoSurroundings) {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: surroundings.directory,
      env: surroundings.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    this.#readLines(child.stdout, surroundings.onLine);
    this.#readLines(child.stderr, () => {});
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

  /** What it wrote last, to explain a failure. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Kills it as a crash would. */
  crash(): Promise<Exit> {
    this.#child.kill("SIGKILL");
    return this.exited;
  }

  /** Asks it to stop in order; kills it when it has not within `graceMs`. */
  async stop(graceMs: number): Promise<Exit> {
    if (!this.#ended) this.#child.kill("SIGTERM");
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
