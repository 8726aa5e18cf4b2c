/**
 * Where the fault tests take place: a node of the built program with its data in a temporary folder, client processes, and
 * a checker that hears everything.
 *
 *  A1  The node keeps its port and its data over restarts.
 *  A2  Disposing ends every process and removes every file.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin, SluiceClientError } from "@sluice/client";
import { type Program, Workshop } from "../cli/program.ts";
import { Line } from "../life/line.ts";
import { Checker, noteFindings, type Verdict } from "./checker.ts";
import { findingOf } from "./client/finding.ts";
import type { ClientRole, CrewRole, EmitterRole } from "./client/protocol.ts";
import { ClientProcess } from "./client-process.ts";
import type { FaultKind, Finding, HistoryEvent } from "./history.ts";

/** The queue of all fault tests. */
export const QUEUE = "faults";
/** How long an analyzer may be silent unless the test says otherwise. */
export const LEASE_MS = 3000;
/** How long leases wait for an analyzer whose stream broke, and a killed node for its analyzers. */
export const GRACE_MS = 600;

/**
 * Ports that the system does not give to outgoing connections: a client that tries to reach a node that is down could
 * otherwise be connected to itself, on the very port that the node needs.
 */
const FIRST_PORT = 12_000;
const PORTS = 18_000;

/** What a test may choose. */
export interface ArenaInput {
  /** How long an analyzer may be silent. Default LEASE_MS. */
  readonly leaseMs?: number;
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Hears every event, besides the checker. */
  readonly onEvent?: (event: HistoryEvent) => void;
}

/** What of a crew is not the arena's choice. */
export type CrewInput = Partial<Omit<CrewRole, "role" | "queue">> & Pick<CrewRole, "analyzers">;

/** See the top of the file. */
export class Arena implements AsyncDisposable {
  readonly checker = new Checker();
  readonly clients = new Set<ClientProcess>();
  readonly address: string;
  readonly leaseMs: number;
  readonly admin: Admin;
  readonly #workshop = new Workshop();
  readonly #input: ArenaInput;
  readonly port: number;
  readonly #lines: Line[] = [];
  #node: Program | undefined;

  private constructor(input: ArenaInput, port: number) {
    this.#input = input;
    this.port = port;
    this.leaseMs = input.leaseMs ?? LEASE_MS;
    this.address = `127.0.0.1:${port}`;
    this.admin = new Admin({ address: this.address });
  }

  /** An arena without a node. */
  static async open(input: ArenaInput = {}): Promise<Arena> {
    return new Arena(input, await stablePort());
  }

  /** The node that was started last. */
  get node(): Program {
    if (this.#node === undefined) throw new Error("no node was started");
    return this.#node;
  }

  get dataDirectory(): string {
    return join(this.#workshop.directory, "data");
  }

  /** Starts a node and does not wait for it. */
  launchNode(env: NodeJS.ProcessEnv = {}): Program {
    const flags = ["--port", `${this.port}`, "--data-dir", this.dataDirectory, "--log-format", "json"];
    const times = ["--lease-ms", `${this.leaseMs}`, "--resume-grace-ms", `${GRACE_MS}`];
    const args = ["serve", ...flags, ...times, ...(this.#input.flags ?? [])];
    this.#node = this.#workshop.start(args, { ...this.#input.env, ...env });
    return this.#node;
  }

  /** Starts a node; resolves when it serves. */
  async startNode(env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.launchNode(env).says('"event":"node.started"');
  }

  /** kill -9 of the node. */
  async killNode(): Promise<void> {
    this.hit("node killed");
    this.node.kill("SIGKILL");
    await this.node.ended;
  }

  /** The node stands still for a while. */
  async pauseNode(pauseMs: number): Promise<void> {
    const fromMs = Date.now();
    this.node.kill("SIGSTOP");
    await sleep(pauseMs);
    this.node.kill("SIGCONT");
    this.hit("node paused", "", fromMs, Date.now());
  }

  /** A way to the node that can be cut, or made to swallow bytes. */
  async line(): Promise<Line> {
    const line = await Line.open(() => this.port);
    this.#lines.push(line);
    return line;
  }

  crew(input: CrewInput): ClientProcess {
    return this.#client({ role: "crew", address: this.address, queue: QUEUE, ownConnections: false, ...input });
  }

  /** Several analyzers in a process, all alike. */
  crewOf(ids: readonly string[], concurrency = 8): ClientProcess {
    return this.crew({ analyzers: ids.map((id) => ({ id, weight: 1, concurrency })) });
  }

  emitter(input: Partial<Omit<EmitterRole, "role" | "queue">> = {}): ClientProcess {
    return this.#client({
      role: "emitter",
      address: this.address,
      queue: QUEUE,
      perSecond: 300,
      workMs: 20,
      failing: 0.05,
      maxAttempts: 20,
      payloadBytes: 100,
      ...input,
    });
  }

  /** kill -9 of a client. */
  async killClient(client: ClientProcess): Promise<void> {
    const fromMs = Date.now();
    // The node may still deliver to it until it notices.
    for (const id of client.analyzers) this.hit("analyzer killed", id, fromMs, fromMs + this.leaseMs);
    await client.kill();
    this.clients.delete(client);
  }

  /** A client stands still for a while. */
  async pauseClient(client: ClientProcess, pauseMs: number): Promise<void> {
    const fromMs = Date.now();
    // Until it has read what waited for it, it may lose leases.
    for (const id of client.analyzers) this.hit("analyzer paused", id, fromMs, fromMs + pauseMs + this.leaseMs);
    client.signal("SIGSTOP");
    await sleep(pauseMs);
    client.signal("SIGCONT");
  }

  /** Notes a fault. */
  hit(fault: FaultKind, target = "", fromMs = Date.now(), untilMs?: number): void {
    this.note({ kind: "fault", atMs: fromMs, fault, target, untilMs });
  }

  note(event: HistoryEvent): void {
    this.checker.note(event);
    this.#input.onEvent?.(event);
  }

  /** Resolves with true when no task waits or runs any more, with false when that takes too long. */
  async drained(deadlineMs: number): Promise<boolean> {
    const untilMs = performance.now() + deadlineMs;
    while (performance.now() < untilMs) {
      if ((await this.#unended()) === 0) return true;
      await sleep(50);
    }
    return false;
  }

  /** Every task of the queue as the node has it. */
  async list(): Promise<Finding[]> {
    const findings: Finding[] = [];
    const filter = { queue: QUEUE };
    for await (const task of this.admin.allTasks({ filter, pageSize: 1000 })) findings.push(findingOf(task, true));
    return findings;
  }

  /** One task as the node has it; undefined when it denies that there is one. */
  async find(task: string): Promise<Finding | undefined> {
    try {
      return findingOf(await this.admin.getTask(task), true);
    } catch (error) {
      if (error instanceof SluiceClientError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  /** Lets every task end, lists what the node has, and judges the history. The emitters must have been flushed. */
  async verdict(deadlineMs: number): Promise<Verdict> {
    await this.drained(deadlineMs);
    noteFindings(this.checker, await this.list(), Date.now());
    return this.checker.verdict();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close();
    await Promise.all([...this.clients].map((client) => client.kill()));
    for (const line of this.#lines) await line[Symbol.asyncDispose]();
    await this.#workshop[Symbol.asyncDispose]();
  }

  /** Tasks that have not ended; infinite while nobody can tell. */
  async #unended(): Promise<number> {
    try {
      const { queues } = await this.admin.stats(QUEUE);
      const counts = queues[0]?.counts;
      if (counts === undefined) return 0;
      return counts.pending + counts.running + counts.retrying + counts.scheduled;
    } catch (error) {
      if (error instanceof SluiceClientError && error.code === "UNAVAILABLE") return Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  #client(role: ClientRole): ClientProcess {
    const client = new ClientProcess(role, (event) => this.note(event));
    this.clients.add(client);
    return client;
  }
}

/** A free port that stays free while nobody listens on it. */
async function stablePort(): Promise<number> {
  while (true) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
