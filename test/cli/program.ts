/** Runs the built program as users do, and waits for what it says. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { startedPort } from "../../src/cli/demo/cluster.ts";

/** The built program, seen from the sources or from the build itself. */
const MAIN = ["../../dist/src/cli/main.js", "../../src/cli/main.js"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** How a program ended. */
export interface Ended {
  /** The exit status, or the signal that killed it. */
  readonly status: number | NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A running program. */
export class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #said = { out: "", err: "" };
  #heard: (() => void)[] = [];

  constructor(args: readonly string[], directory: string, env: NodeJS.ProcessEnv = {}) {
    if (MAIN === undefined) throw new Error("there is no built program: run 'npm run build' first");
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#hear("out", text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#hear("err", text));
    this.ended = new Promise((resolve) => {
      child.once("close", (status, signal) => {
        this.#hear("out", "");
        resolve({ status: status ?? signal, ...this.#said });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get out(): string {
    return this.#said.out;
  }

  get err(): string {
    return this.#said.err;
  }

  get input(): Writable {
    return this.#child.stdin;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with what `find` finds in the output so far; rejects when the program ends without. */
  async until<Found>(find: (program: Program) => Found | undefined): Promise<Found> {
    while (true) {
      const found = find(this);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the program has ended:\n${this.out}\n${this.err}`);
      }
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Resolves when the text was written to either output. */
  async says(text: string): Promise<void> {
    await this.until(() => (this.out.includes(text) || this.err.includes(text) ? true : undefined));
  }

  #hear(output: "out" | "err", text: string): void {
    this.#said[output] += text;
    const heard = this.#heard;
    this.#heard = [];
    for (const resolve of heard) resolve();
  }
}

/** A folder with the programs that run in it; all of it is gone after `close`. */
export class Workshop implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  readonly #programs: Program[] = [];

  /** Starts the program. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    const program = new Program(args, this.directory, env);
    this.#programs.push(program);
    return program;
  }

  /** Runs the program to its end. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const program = this.start(args, env);
    program.input.end();
    return program.ended;
  }

  /** Starts a node and waits until it serves. */
  async serve(...flags: string[]): Promise<{ readonly node: Program; readonly address: string }> {
    const port = flags.includes("--port") ? [] : ["--port", "0"];
    const node = this.start(["serve", "--log-format", "json", ...port, ...flags]);
    const listening = await node.until(({ out }) =>
      out
        .split("\n")
        .map(completeLinePort)
        .find((each) => each !== undefined),
    );
    return { node, address: `127.0.0.1:${listening}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) program.kill("SIGKILL");
    await Promise.all(this.#programs.map((program) => program.ended));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function completeLinePort(line: string): number | undefined {
  return line.endsWith("}") ? startedPort(line) : undefined;
}

/** A port that nobody listens on, for a node that is to come later. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
