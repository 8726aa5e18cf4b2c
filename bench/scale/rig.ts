/** What the scale benches share: a node of their own, and rates of submitting to it and dispatching from it. */
import { fileURLToPath } from "node:url";
import { Admin, Analyzer, Emitter } from "@sluice/client";
import { type BenchCommand, UsageError, wholeNumber } from "../history/command.ts";
import type { Subject } from "../history/record.ts";
import { monotonicMs } from "../monotonic.ts";
import { type NodeProcess, startNodeProcess } from "../node-process.ts";
import { TemporaryFolder } from "../temporary-folder.ts";

const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
/** As in the peers bench. */
const BATCH_TASKS = 100;
const BATCHES_IN_FLIGHT = 8;
export const PAYLOAD_BYTES = 256;

/** Sluice in some condition, as records name it. */
export function sluiceSubject(id: string, label: string): Subject {
  return { id, label, version: "", durability: "lmdb, fsync before every OK", syncsBeforeAnswer: true };
}

/** A task to submit. */
export interface RigTask {
  readonly queue: string;
  readonly payload: Uint8Array;
}

/** Which analyzers take part in a drain. */
export interface RigAnalyzers {
  /** Queues of each. */
  readonly queues: readonly (readonly string[])[];
  readonly concurrency: number;
}

/** Four analyzers on one queue with 100 tasks in hand each, as in the peers bench. */
export function fourAnalyzers(queue: string): RigAnalyzers {
  return { queues: Array.from({ length: 4 }, () => [queue]), concurrency: 100 };
}

/** A node and its clients. The data outlives the node, so that it can be started again. */
export class Rig implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  #node: NodeProcess;
  #emitter: Emitter;
  #admin: Admin;
  /** How long the last start took, from the start of the process until it took calls. */
  startMs: number;

  private constructor(folder: TemporaryFolder, node: NodeProcess, startMs: number) {
    this.#folder = folder;
    this.#node = node;
    this.startMs = startMs;
    this.#emitter = new Emitter({ address: node.address });
    this.#admin = new Admin({ address: node.address });
  }

  static async start(): Promise<Rig> {
    const folder = new TemporaryFolder("sluice-scale-");
    const { node, startMs } = await startedNode(folder);
    return new Rig(folder, node, startMs);
  }

  get node(): NodeProcess {
    return this.#node;
  }

  get emitter(): Emitter {
    return this.#emitter;
  }

  get admin(): Admin {
    return this.#admin;
  }

  /** Resident memory, in MiB. */
  residentMiB(): number {
    return (this.#node.memory()?.residentBytes ?? Number.NaN) / 1024 ** 2;
  }

  /** The part of it that is not mapped files, in MiB. */
  anonymousMiB(): number {
    return (this.#node.memory()?.anonymousBytes ?? Number.NaN) / 1024 ** 2;
  }

  /** Ends the node and starts it again on its data. */
  async restart(how: "stop" | "kill"): Promise<void> {
    await this.#closeClients();
    await (how === "stop" ? this.#node.stop() : this.#node.kill());
    const { node, startMs } = await startedNode(this.#folder);
    this.#node = node;
    this.startMs = startMs;
    this.#emitter = new Emitter({ address: node.address });
    this.#admin = new Admin({ address: node.address });
  }

  /** Submits in batches, several under way. Returns tasks per second from the first call to the last OK. */
  async submit(count: number, taskOf: (index: number) => RigTask): Promise<number> {
    const startMs = monotonicMs();
    let submitted = 0;
    const keepSubmitting = async (): Promise<void> => {
      while (submitted < count) {
        const size = Math.min(BATCH_TASKS, count - submitted);
        const first = submitted;
        submitted += size;
        const tasks = Array.from({ length: size }, (_, i) => ({ ...taskOf(first + i), type: "bench" }));
        const { accepted } = await this.#emitter.submitMany(tasks);
        if (accepted !== size) throw new Error(`only ${accepted} of ${size} tasks were accepted`);
      }
    };
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, keepSubmitting));
    return (count * 1000) / (monotonicMs() - startMs);
  }

  /** Lets analyzers handle this many of the waiting tasks. Returns tasks per second from the first to the last. */
  async drain(count: number, { queues, concurrency }: RigAnalyzers): Promise<number> {
    let handled = 0;
    let firstMs = 0;
    let lastMs = 0;
    let enough = (): void => {};
    const done = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const handle = (): void => {
      handled += 1;
      if (handled === 1) firstMs = monotonicMs();
      if (handled !== count) return;
      lastMs = monotonicMs();
      enough();
    };
    const address = this.#node.address;
    const analyzers = queues.map((own) => new Analyzer({ address, queues: own, concurrency, handlers: handle }));
    await Promise.all(analyzers.map((analyzer) => analyzer.start()));
    await done;
    await Promise.all(analyzers.map((analyzer) => analyzer.close()));
    return ((count - 1) * 1000) / (lastMs - firstMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeClients();
    await this.#node.stop();
    this.#folder[Symbol.dispose]();
  }

  async #closeClients(): Promise<void> {
    await this.#emitter.close();
    await this.#admin.close();
  }
}

/** Reads a whole number among a bench's own options. */
export function ownNumber(own: Readonly<Record<string, string>>, name: string, fallback: number, most: number): number {
  const text = own[name];
  return text === undefined ? fallback : wholeNumber(name, text, most);
}

/** The one of these commands that the first argument names, and the arguments for it. Throws UsageError. */
export function commandNamed(
  commands: Readonly<Record<string, BenchCommand>>,
  [name = "", ...args]: readonly string[],
): { readonly command: BenchCommand; readonly args: readonly string[] } {
  const command = commands[name];
  if (command !== undefined) return { command, args };
  throw new UsageError(`name one of ${Object.keys(commands).join(", ")}; each has a --help of its own`);
}

async function startedNode(folder: TemporaryFolder): Promise<{ readonly node: NodeProcess; readonly startMs: number }> {
  const beginMs = monotonicMs();
  const node = await startNodeProcess(PROGRAM, "lmdb", { dataFolder: folder.path });
  return { node, startMs: monotonicMs() - beginMs };
}
