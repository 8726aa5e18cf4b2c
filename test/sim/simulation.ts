/**
 * The deterministic simulation: the real engine and core, a virtual clock, commits that take time and are lost in crashes,
 * analyzers that misbehave. After every step the promises are checked (`history.ts`); in the end everything must have
 * ended. The same seed gives the same run.
 */

import { isEnded } from "../../src/core/lifecycle.ts";
import { Engine } from "../../src/engine/engine.ts";
import { DEFAULT_ENGINE_SETTINGS } from "../../src/engine/settings.ts";
import { makeTask, taskId } from "../support/tasks.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { History } from "./history.ts";
import { MortalClock } from "./mortal-clock.ts";
import { Random } from "./random.ts";
import { SimAnalyzer } from "./sim-analyzer.ts";
import { SlowStore } from "./slow-store.ts";

/** Rounds in which well-behaved analyzers must get everything done. */
const MAX_FINAL_ROUNDS = 400;

/** Lines of the trace that a failure shows. */
const TRACE_LINES = Number(process.env["SIM_TRACE"] ?? 60);

/** What happened in a run, for reports. */
export interface SimulationReport {
  readonly seed: number;
  readonly steps: number;
  /** Steps by what was done. */
  readonly actions: Readonly<Record<string, number>>;
  readonly accepted: number;
}

/** One world. */
class Simulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #trace: string[] = [];
  readonly #history = new History((line) => this.#trace.push(`  ${line}`));
  readonly #analyzers: readonly SimAnalyzer[];
  readonly #actions: Record<string, number> = {};
  readonly #failures: Error[] = [];
  #store = new SlowStore();
  #mortal = new MortalClock(this.#clock);
  #engine: Engine | undefined;
  #nextTask = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const count = this.#random.int(1, 5);
    this.#analyzers = Array.from({ length: count }, (_, i) => new SimAnalyzer(`a${i}`, this.#random, this.#history));
  }

  async run(steps: number): Promise<SimulationReport> {
    try {
      await this.#start();
      for (let step = 0; step < steps; step++) {
        await this.#step();
        await this.#check();
      }
      await this.#finish();
    } catch (error) {
      const trace = this.#trace.slice(-TRACE_LINES).join("\n  ");
      throw new Error(`seed ${this.#seed}: ${error instanceof Error ? error.message : error}\n  ${trace}`, {
        cause: error,
      });
    }
    return { seed: this.#seed, steps, actions: this.#actions, accepted: this.#history.accepted.size };
  }

  #node(): Engine {
    if (this.#engine === undefined) throw new Error("no node runs");
    return this.#engine;
  }

  async #start(): Promise<void> {
    this.#mortal = new MortalClock(this.#clock);
    const engine = new Engine({
      store: this.#store.store,
      clock: this.#mortal,
      random: () => this.#random.unit(),
      settings: { ...DEFAULT_ENGINE_SETTINGS, leaseMs: 3000, resumeGraceMs: 500 },
      version: "sim",
      log: (level, event, fields) => this.#trace.push(`  ${level} ${event} ${JSON.stringify(fields)}`),
      sameSpec: () => false,
      onFailure: (error) => this.#failures.push(error),
    });
    this.#engine = engine;
    const started = engine.start();
    await this.#clock.settle();
    this.#store.commit(this.#store.pending);
    await started;
  }

  async #step(): Promise<void> {
    const actions: readonly (readonly [number, string, () => Promise<void> | void])[] = [
      [20, "submit", () => this.#submit(this.#random.int(1, 5))],
      [35, "act", () => this.#random.pick(this.#analyzers)?.act()],
      [25, "commit", () => this.#store.commit(this.#random.int(1, 4))],
      [12, "connect", () => this.#connect()],
      [12, "advance", () => this.#advance()],
      [3, "vanish", () => this.#random.pick(this.#analyzers)?.vanish()],
      [2, "leave", () => this.#random.pick(this.#analyzers)?.leave()],
      [2, "stall", () => this.#random.pick(this.#analyzers)?.stall()],
      [2, "stop reading", () => this.#random.pick(this.#analyzers)?.read(false)],
      [4, "read", () => this.#random.pick(this.#analyzers)?.read(true)],
      [2, "cancel", () => this.#cancel()],
      [1, "pause", () => this.#pause()],
      [1, "wall clock jumps", () => this.#jump()],
      [1, "crash", () => this.#crash()],
    ];
    let dice = this.#random.int(
      1,
      actions.reduce((sum, [odds]) => sum + odds, 0),
    );
    for (const [odds, name, run] of actions) {
      dice -= odds;
      if (dice > 0) continue;
      this.#trace.push(`${this.#clock.monotonicMs()} ms: ${name}`);
      this.#actions[name] = (this.#actions[name] ?? 0) + 1;
      await run();
      break;
    }
    await this.#clock.settle();
  }

  #submit(count: number): void {
    const first = this.#nextTask;
    this.#nextTask += count;
    const tasks = Array.from({ length: count }, (_, i) =>
      makeTask(first + i, {
        queue: this.#random.chance(0.7) ? "q" : "r",
        priority: this.#random.int(3, 5),
        startAtMs: this.#random.chance(0.15) ? this.#clock.wallMs() + this.#random.int(1, 2000) : 0,
        retry: { maxAttempts: 50, initialBackoffMs: 100, backoffFactor: 2, maxBackoffMs: 1000 },
      }),
    );
    this.#node()
      .submit(tasks)
      .then((outcomes) => {
        for (const [i, { kind }] of outcomes.entries()) if (kind === "accepted") this.#history.submitted(first + i);
      })
      .catch((error: Error) => this.#failures.push(error));
  }

  #connect(): void {
    const away = this.#analyzers.filter(({ isConnected, isStalled }) => !isConnected || isStalled);
    const analyzer = this.#random.pick(away.length > 0 ? away : this.#analyzers);
    if (analyzer === undefined) return;
    analyzer.isStalled = false;
    // A connected one says hello again on a new stream: its old one is half open.
    analyzer.connect(this.#node());
  }

  #cancel(): void {
    const ids = [taskId(this.#random.int(0, Math.max(0, this.#nextTask - 1)))];
    this.#node()
      .cancel({ ids })
      .catch((error: Error) => this.#failures.push(error));
  }

  /** Time passes, in which everybody who is not stalled sends heartbeats. */
  #advance(): Promise<void> {
    for (const analyzer of this.#analyzers) analyzer.beat();
    return this.#clock.advance(this.#random.int(1, 400));
  }

  /** The process was stopped for a while; what was due rings as soon as it goes on. */
  #pause(): Promise<void> {
    for (const analyzer of this.#analyzers) analyzer.beat();
    this.#clock.pause(this.#random.int(1000, 60_000));
    return this.#clock.advance(0);
  }

  #jump(): void {
    this.#clock.wallOffsetMs += this.#random.int(-5000, 5000);
  }

  async #crash(): Promise<void> {
    this.#mortal.die();
    this.#store.crash(this.#random);
    for (const analyzer of this.#analyzers) analyzer.nodeDied();
    this.#store = new SlowStore(this.#store);
    await this.#start();
  }

  /** Nothing waits while somebody could take it. */
  async #check(): Promise<void> {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
    const { queues, analyzers, node } = await this.#node().figures("");
    if (node.holdMs > 0) return;
    for (const { name, counts } of queues) {
      if (counts.PENDING === 0) continue;
      const idle = analyzers.find(
        (a) => a.state === "ATTACHED" && a.writable && a.credit > 0 && a.queues.includes(name),
      );
      if (idle !== undefined && this.#store.pending === 0) {
        throw new Error(`${counts.PENDING} tasks wait in ${name} while ${idle.id} has credit ${idle.credit}`);
      }
    }
  }

  /** Everybody behaves: everything accepted must end. */
  async #finish(): Promise<void> {
    this.#trace.push("everybody behaves from now on");
    this.#store.isPrompt = true;
    this.#store.commit(this.#store.pending);
    for (let round = 0; round < MAX_FINAL_ROUNDS; round++) {
      for (const analyzer of this.#analyzers) {
        analyzer.read(true);
        if (!analyzer.isConnected || round === 0) analyzer.connect(this.#node());
        analyzer.behave();
      }
      await this.#clock.advance(100);
      await this.#check();
      if (await this.#isDone()) break;
    }
    for (const task of this.#history.accepted) {
      const stored = await this.#node().get(taskId(task));
      if (stored === undefined) throw new Error(`accepted task ${task} is lost`);
      const isServed = this.#analyzers.some(({ queues }) => queues.includes(stored.queue));
      if (isServed && !isEnded(stored.state)) throw new Error(`accepted task ${task} is ${stored.state} in the end`);
    }
  }

  async #isDone(): Promise<boolean> {
    const { queues } = await this.#node().figures("");
    const served = queues.filter(({ name }) => this.#analyzers.some(({ queues: own }) => own.includes(name)));
    return served.every(({ counts: c }) => c.PENDING + c.SCHEDULED + c.RUNNING + c.RETRYING === 0);
  }
}

/** Runs one seed. Throws with the seed and a trace when a promise is broken. */
export function simulate(seed: number, steps: number): Promise<SimulationReport> {
  return new Simulation(seed).run(steps);
}
