/**
 * A server of any kind as a child process.
 *
 *  V1  Only processes that were started here are ended, by their ids, and all of them are: also when the bench ends early.
 *  V2  It listens on the loopback interface only, on a port that was free.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { treeCpuMsOf } from "../../cpu.ts";

/** What to run. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as this user, if the bench is root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** It takes connections here when it is ready. */
  readonly port: number;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const PROBE_MS = 20;
/** Characters of output kept to explain a failure. */
const KEPT_OUTPUT = 4000;

const HOST = "127.0.0.1";
const running = new Set<ChildServer>();
process.once("exit", () => {
  for (const server of running) server.kill();
});

/** A child process that serves. */
export class ChildServer {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = "";

  private constructor(command: ServerCommand) {
    this.#child = spawn(command.program, command.args, {
      env: { ...process.env, ...command.env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: whatever a start script has started ends with it.
      detached: true,
      ...(process.getuid?.() === 0 ? command.user : {}),
    });
    this.#exited = once(this.#child, "close").catch(() => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (part) => {
        this.#output = (this.#output + String(part)).slice(-KEPT_OUTPUT);
      });
    }
    running.add(this);
  }

  /** Starts it and waits until it takes connections. */
  static async start(command: ServerCommand): Promise<ChildServer> {
    const server = new ChildServer(command);
    try {
      await server.#listening(command.port);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The last that it has printed. */
  get output(): string {
    return this.#output;
  }

  cpuMs(): number | undefined {
    return this.#child.pid === undefined ? undefined : treeCpuMsOf(this.#child.pid);
  }

  /** Ends it in order, or by force when it takes too long. Idempotent. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    const late = setTimeout(() => this.kill(), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(late);
    this.kill();
    running.delete(this);
  }

  /** Ends it and all of its group at once. */
  kill(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // The whole group has ended.
    }
  }

  async #listening(port: number): Promise<void> {
    const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
    let failure: string | undefined;
    this.#child.once("error", (error) => {
      failure = error.message;
    });
    while (!(await takesConnections(port))) {
      if (this.#child.exitCode !== null) failure = `it ended with status ${this.#child.exitCode}`;
      if (deadline.aborted) failure = `it took no connections within ${START_TIMEOUT_MS} ms`;
      if (failure !== undefined) throw new Error(`${this.#child.spawnfile}: ${failure}\n${this.#output}`);
      await sleep(PROBE_MS);
    }
  }
}

/** A TCP port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
