/**
 * The processes of the demo: a node with its data on disk, and an analyzer per weight.
 *
 *  C1  The node listens on a port of the system's choice and keeps its data in a new temporary folder.
 *  C2  Configuration of the user's own (files, environment) does not reach it.
 *  C3  After `stop` no process and no folder is left, however far the start came.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ChildProgram } from "../child-program.ts";
import { VARIABLE_PREFIX } from "../config/schema.ts";
import { CommandError } from "../exit.ts";

/** The demo's queue. */
export const DEMO_QUEUE = "logs";

/** An analyzer that is killed leaves its tasks for this long; the default would be most of the demo. */
const RESUME_GRACE_MS = 1000;
/** How long the node may take to start. */
const START_DEADLINE_MS = 20_000;
/** How long a process may take to stop in order before it is killed. */
const STOP_GRACE_MS = 15_000;

/** An analyzer of the demo. */
export interface DemoAnalyzer {
  readonly id: string;
  readonly weight: number;
  readonly process: ChildProgram;
}

/** The running processes. */
export class DemoCluster {
  readonly #program: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "sluice-demo-"));
  readonly #crashed = new Set<ChildProgram>();
  #analyzers: readonly DemoAnalyzer[] = [];
  #concurrency: number | undefined;
  #node: ChildProgram | undefined;
  #address = "";

  /** @param program path of this program's main module */
  constructor(program: string) {
    this.#program = program;
  }

  /** HOST:PORT of the node. */
  get address(): string {
    return this.#address;
  }

  get analyzers(): readonly DemoAnalyzer[] {
    return this.#analyzers;
  }

  /**
   * Starts the node, then the analyzers; resolves when the node serves. CommandError when it does not.
   * @param concurrency most tasks at a time of each analyzer; undefined: what follows from its weight
   */
  async start(weights: readonly number[], concurrency?: number): Promise<void> {
    this.#concurrency = concurrency;
    this.#address = `127.0.0.1:${await this.#startNode()}`;
    this.#analyzers = weights.map((weight, index) => this.#startAnalyzer(`analyzer-${index + 1}`, weight));
  }

  /** Kills an analyzer as a crash would. */
  async crash(analyzer: DemoAnalyzer): Promise<void> {
    this.#crashed.add(analyzer.process);
    await analyzer.process.crash();
  }

  /** Whether an analyzer was killed and not started again. */
  isCrashed(analyzer: DemoAnalyzer): boolean {
    return this.#crashed.has(analyzer.process);
  }

  /** Starts an analyzer that was killed again, under its id. */
  restart(analyzer: DemoAnalyzer, weight: number): void {
    const again = this.#startAnalyzer(analyzer.id, weight);
    this.#analyzers = this.#analyzers.map((each) => (each.id === analyzer.id ? again : each));
  }

  /** Stops the analyzers, then the node, and takes the folder away. Resolves with what did not end in order. */
  async stop(): Promise<string[]> {
    const problems: string[] = [];
    const stop = async (name: string, process: ChildProgram): Promise<void> => {
      const exit = await process.stop(STOP_GRACE_MS);
      if (exit.status === 0 || this.#crashed.has(process)) return;
      problems.push(`${name} ended with ${exit.signal ?? `status ${exit.status}`}`);
    };
    try {
      await Promise.all(this.#analyzers.map((analyzer) => stop(analyzer.id, analyzer.process)));
      if (this.#node !== undefined) await stop("the node", this.#node);
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
    return problems;
  }

  async #startNode(): Promise<number> {
    const flags = [
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--http-listen",
      "off",
      "--store",
      "lmdb",
      "--data-dir",
      join(this.#directory, "data"),
    ];
    const log = ["--log-format", "json", "--log-level", "info", "--resume-grace-ms", `${RESUME_GRACE_MS}`];
    const over = new AbortController();
    const failed = async (when: Promise<unknown>, reason: string): Promise<never> => {
      await when;
      throw new CommandError([`the demo's node ${reason}`, ...(this.#node?.lastLines ?? [])].join("\n  "));
    };
    const started = new Promise<number>((resolve) => {
      this.#node = this.#launch(["serve", ...flags, ...log], (line) => {
        const port = startedPort(line);
        if (port !== undefined) resolve(port);
      });
    });
    const early = failed(this.#node?.exited ?? Promise.resolve(), "ended early");
    const late = failed(wait(START_DEADLINE_MS, undefined, { signal: over.signal }), "did not start in time");
    try {
      return await Promise.race([started, early, late]);
    } finally {
      // The losers of the race are nobody's business any more.
      early.catch(() => {});
      late.catch(() => {});
      over.abort();
    }
  }

  #startAnalyzer(id: string, weight: number): DemoAnalyzer {
    const handlers = join(dirname(this.#program), "demo", "log-handler.js");
    const identity = ["--id", id, "--queue", DEMO_QUEUE, "--weight", String(weight)];
    const most = this.#concurrency === undefined ? [] : ["--concurrency", String(this.#concurrency)];
    const args = ["work", "--address", this.#address, ...identity, ...most, "--handlers", handlers];
    return { id, weight, process: this.#launch(args, () => {}) };
  }

  #launch(args: readonly string[], onLine: (line: string) => void): ChildProgram {
    return new ChildProgram(this.#program, args, { directory: this.#directory, env: ownEnvironment(), onLine });
  }
}

/** The environment without settings for nodes. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith(VARIABLE_PREFIX)));
}

/** The port in the log line that says that the node serves; undefined for any other line. */
export function startedPort(line: string): number | undefined {
  if (!line.startsWith("{")) return undefined;
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== "object" || entry === null) return undefined;
  if (!("event" in entry) || entry.event !== "node.started") return undefined;
  return "port" in entry && typeof entry.port === "number" ? entry.port : undefined;
}
