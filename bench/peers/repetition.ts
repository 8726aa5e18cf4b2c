/**
 * One repetition of one system: a fresh server, one producer and one consumer process, all phases, and the end of everything.
 *
 *  E1  Whatever happens, the processes that were started are ended and the data is removed.
 *  E2  A figure is only given of tasks that were all handled, each once at least, but for a drain that its window cuts off. How
 *      many deliveries were repeated is a figure too.
 */
import { chmodSync } from "node:fs";
import { cpuFigure, FIGURES } from "../history/figures.ts";
import type { Better } from "../history/record.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import type { ClosedPlan, Submitted } from "./client/producing.ts";
import type { ClientStart, Handled } from "./client/protocol.ts";
import { ClientProcess } from "./client-process.ts";
import type { Plan } from "./plan.ts";
import type { PeerServer } from "./servers/server.ts";
import type { PeerSystem } from "./systems.ts";

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: Better;
  readonly value: number;
}

/** What a repetition gave. */
export interface Repetition {
  readonly serverVersion: string;
  readonly figures: readonly Figure[];
}

/** Without a completion for this long, a phase has failed. */
const STALL_MS = 20_000;
const UNLIMITED_MS = 600_000;

/** Measures a system once. Rejects with NotInstalledError when it is not there. */
export async function repeat(system: PeerSystem, plan: Plan): Promise<Repetition> {
  using folder = new TemporaryFolder("sluice-peers-");
  // A server that runs as another user has to get to its data.
  chmodSync(folder.path, 0o711);
  const server = await system.start(folder.path);
  try {
    const run = new RepetitionRun(system, server, plan);
    return { serverVersion: server.version, figures: await run.measure() };
  } finally {
    await server.stop();
  }
}

/** A closed loop. */
type Load = Pick<ClosedPlan, "batch" | "inFlight" | "durationMs" | "maxBacklog">;

/** Processor times at one moment, in milliseconds. */
interface CpuTimes {
  readonly client: number;
  readonly server: number | undefined;
}

class RepetitionRun {
  readonly #start: ClientStart;
  readonly #server: PeerServer;
  readonly #plan: Plan;
  readonly #producer: ClientProcess;
  readonly #consumer: ClientProcess;
  readonly #figures: Figure[] = [];
  #phase = 0;
  #repeated = 0;

  constructor(system: PeerSystem, server: PeerServer, plan: Plan) {
    this.#start = { adapter: system.adapter, address: server.address };
    this.#server = server;
    this.#plan = plan;
    const execPath = system.execPath ?? process.execPath;
    this.#producer = new ClientProcess("producer", execPath, () => {});
    this.#consumer = new ClientProcess("consumer", execPath, (note) => this.#producer.tell(note));
  }

  async measure(): Promise<readonly Figure[]> {
    try {
      await this.#producer.request("connect", this.#start);
      await this.#consumer.request("attach", this.#start);
      await this.#steady(this.#plan.warmUpMs);
      this.#figures.length = 0;
      await this.#latency();
      await this.#steady(this.#plan.steadyMs);
      await this.#consumer.request("close", null);
      await this.#backlog();
      this.#add(FIGURES.repeated, "tasks", "neither", this.#repeated);
      return this.#figures;
    } finally {
      await Promise.all([this.#producer.close(), this.#consumer.close()]);
    }
  }

  async #latency(): Promise<void> {
    const { payloadBytes, latencyRatePerSecond: ratePerSecond, latencyTasks: tasks } = this.#plan;
    const phase = await this.#nextPhase(true);
    const before = await this.#cpu();
    await this.#producer.request("submit", { loop: "open", phase, payloadBytes, ratePerSecond, tasks });
    await this.#await(tasks, UNLIMITED_MS);
    await this.#addCpu(FIGURES.latency, before, tasks);
    const { p50, p99, max } = await this.#consumer.request("latencies", null);
    this.#add(FIGURES.p50, "ms", "lower", p50);
    this.#add(FIGURES.p99, "ms", "lower", p99);
    this.#add(FIGURES.latencyMax, "ms", "neither", max);
  }

  /** From the first submit until the last task is recorded as done. */
  async #steady(durationMs: number): Promise<void> {
    const phase = await this.#nextPhase(false);
    const before = await this.#cpu();
    const { steadyMaxBacklog: maxBacklog, batchTasks, batchesInFlight } = this.#plan;
    const load = { batch: batchTasks, inFlight: batchesInFlight, durationMs, maxBacklog };
    const submitted = await this.#submit(phase, 0, load);
    const { endMs } = await this.#await(submitted.tasks, UNLIMITED_MS);
    await this.#addCpu(FIGURES.steady, before, submitted.tasks);
    this.#addRate(FIGURES.steady, submitted.tasks, endMs - submitted.startMs);
  }

  /** Submits that nobody takes, then the drain of what they left. */
  async #backlog(): Promise<void> {
    const { singleMs, singleInFlight, batchMs, batchTasks, batchesInFlight, drainMs } = this.#plan;
    const phase = await this.#nextPhase(false);
    const single = await this.#measureSubmits(FIGURES.single, phase, 0, {
      batch: 1,
      inFlight: singleInFlight,
      durationMs: singleMs,
    });
    const batch = await this.#measureSubmits(FIGURES.batch, phase, single.tasks, {
      batch: batchTasks,
      inFlight: batchesInFlight,
      durationMs: batchMs,
    });

    const before = await this.#cpu();
    await this.#consumer.request("attach", this.#start);
    const { handled, firstMs, endMs } = await this.#await(single.tasks + batch.tasks, drainMs);
    await this.#addCpu(FIGURES.drain, before, handled);
    this.#addRate(FIGURES.drain, handled, endMs - firstMs);
  }

  async #measureSubmits(name: string, phase: number, firstSequence: number, load: Load): Promise<Submitted> {
    const before = await this.#cpu();
    const submitted = await this.#submit(phase, firstSequence, load);
    await this.#addCpu(name, before, submitted.tasks);
    this.#addRate(name, submitted.tasks, submitted.endMs - submitted.startMs);
    return submitted;
  }

  #submit(phase: number, firstSequence: number, load: Load): Promise<Submitted> {
    const { payloadBytes, maxTasks } = this.#plan;
    return this.#producer.request("submit", { loop: "closed", phase, firstSequence, payloadBytes, maxTasks, ...load });
  }

  async #await(tasks: number, windowMs: number): Promise<Handled> {
    const handled = await this.#consumer.request("await", { handled: tasks, windowMs, stallMs: STALL_MS });
    this.#repeated += handled.repeated;
    return handled;
  }

  async #nextPhase(latencies: boolean): Promise<number> {
    this.#phase += 1;
    await this.#consumer.request("count", { phase: this.#phase, latencies });
    return this.#phase;
  }

  async #cpu(): Promise<CpuTimes> {
    const [producer, consumer] = await Promise.all([
      this.#producer.request("cpu", null),
      this.#consumer.request("cpu", null),
    ]);
    return { client: producer + consumer, server: this.#server.cpuMs() };
  }

  async #addCpu(phase: string, before: CpuTimes, tasks: number): Promise<void> {
    const after = await this.#cpu();
    const perTask = (cpuMs: number): number => (cpuMs * 1000) / tasks;
    this.#add(cpuFigure(phase, "client"), "us/task", "lower", perTask(after.client - before.client));
    if (before.server === undefined || after.server === undefined) return;
    this.#add(cpuFigure(phase, "server"), "us/task", "lower", perTask(after.server - before.server));
  }

  #addRate(name: string, tasks: number, elapsedMs: number): void {
    this.#add(name, "tasks/s", "higher", (tasks * 1000) / elapsedMs);
  }

  #add(name: string, unit: string, better: Better, value: number): void {
    this.#figures.push({ name, unit, better, value });
  }
}
