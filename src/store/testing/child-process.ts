/**
 * Starts `store-child.ts` as a process that a test can kill.
 *
 *  C1  No child outlives `end`.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "./lmdb-test-store.ts";
import type { ChildMessage } from "./store-child.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Compiles the child once and starts it as often as needed. */
export class ChildProgram {
  readonly #folder: string;
  readonly #children = new Set<StoreChild>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiles. Node.js 20 does not run TypeScript by itself. */
  static async compile(): Promise<ChildProgram> {
    const folder = temporaryDirectory();
    const config = {
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions: {
        rootDir: join(ROOT, "src"),
        outDir: join(folder, "out"),
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      files: [join(ROOT, "src/store/testing/store-child.ts")],
    };
    mkdirSync(join(folder, "out"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]);
    return new ChildProgram(folder);
  }

  /** Starts a child. `fileLimitBlocks`: no file may grow beyond this many KiB, as on a full disk. */
  start(duty: "hold" | "insert", directory: string, fileLimitBlocks?: number): StoreChild {
    const program = join(this.#folder, "out/store/testing/store-child.js");
    const limit = fileLimitBlocks === undefined ? "" : `ulimit -f ${fileLimitBlocks} && `;
    const script = `${limit}exec "$0" "$@"`;
    // `ulimit -f` counts KiB in bash only; sh may be another shell.
    const process = spawn("bash", ["-c", script, "node", program, duty, directory], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const child = new StoreChild(process);
    this.#children.add(child);
    return child;
  }

  /** Kills what still runs and removes the program. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.#children, (child) => child.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A running child. */
export class StoreChild {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #messages: AsyncIterator<string>;

  constructor(process: ChildProcess) {
    if (process.stdout === null) throw new Error("the child has no output");
    this.#process = process;
    this.#exited = once(process, "exit");
    this.#messages = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The next thing it says; undefined when it has ended. */
  async next(): Promise<ChildMessage | undefined> {
    const line = await this.#messages.next();
    return line.done === true ? undefined : parse(line.value);
  }

  /** Everything it still says. */
  async rest(): Promise<ChildMessage[]> {
    const messages: ChildMessage[] = [];
    for (let message = await this.next(); message !== undefined; message = await this.next()) messages.push(message);
    return messages;
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }
}

function parse(line: string): ChildMessage | undefined {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of a killed child may be cut.
    return undefined;
  }
}
