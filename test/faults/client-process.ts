/**
 * A client process as the test sees it: real gRPC from a process of its own, which can be killed and paused.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ClientCommand, ClientLine, ClientRole } from "./client/protocol.ts";
import type { HistoryEvent } from "./history.ts";

/** The built client, seen from the sources or from the build. */
const PROGRAM = ["../../dist/test/faults/client/main.js", "./client/main.js"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** See the top of the file. */
export class ClientProcess {
  readonly role: ClientRole;
  /** Resolves when it has ended and everything it said is heard. */
  readonly ended: Promise<void>;
  /** Analyzers with a session. */
  attached = 0;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #onEvent: (event: HistoryEvent) => void;
  #flushed: () => void = () => {};

  constructor(role: ClientRole, onEvent: (event: HistoryEvent) => void) {
    if (PROGRAM === undefined) throw new Error("there is no built program: run 'npm run build' first");
    this.role = role;
    this.#onEvent = onEvent;
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(role)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    // It may be dead by the time it is told something.
    child.stdin.on("error", () => {});
    const read = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout })
        .on("line", (line) => this.#hear(line))
        .on("close", resolve);
    });
    this.ended = new Promise<void>((resolve) => child.once("exit", () => resolve())).then(() => read);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ids of its analyzers. */
  get analyzers(): readonly string[] {
    return this.role.role === "crew" ? this.role.analyzers.map(({ id }) => id) : [];
  }

  /** An emitter's pace. */
  setPace(perSecond: number): void {
    this.#tell({ do: "pace", perSecond });
  }

  /** An emitter stops; resolves when all it has submitted is answered. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed = resolve;
      this.#tell({ do: "flush" });
    });
  }

  /** Ends in good order. */
  async close(): Promise<void> {
    this.#tell({ do: "close" });
    await this.ended;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  #tell(command: ClientCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #hear(text: string): void {
    const line = parse(text);
    if (line === undefined) return;
    if (line.kind === "attached") this.attached = line.analyzers;
    else if (line.kind === "flushed") this.#flushed();
    else this.#onEvent(line);
  }
}

/** The last line of a killed process may be cut: what it would have told had not happened yet. */
function parse(text: string): ClientLine | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
