/**
 * What is done to the processes of a soak: each kind of fault at its own pace, until it is stopped.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SluiceClientError } from "@sluice/client";
import type { Random } from "../../sim/random.ts";
import { type Arena, LEASE_MS, QUEUE } from "../arena.ts";
import type { ClientProcess } from "../client-process.ts";
import type { Disturbances } from "./figures.ts";

/** What the chaos works on. */
export interface ChaosParts {
  readonly arena: Arena;
  readonly random: Random;
  readonly disturbances: Disturbances;
  /** The node may be killed now. */
  readonly mayKillNode: () => boolean;
  /** Mean time between two deaths of the node. */
  readonly nodeLifeMs: number;
}

const CREWS = 4;
const ANALYZERS_PER_CREW = 2;
const CONCURRENCY = 16;
/** Mean times between faults. */
const CREW_DEATH_MS = 3000;
const CREW_PAUSE_MS = 15_000;
const NODE_PAUSE_MS = 45_000;
const QUEUE_PAUSE_MS = 20_000;
const WEIGHT_MS = 1000;
/** Longer than the lease. */
const PAUSE_MS = 1.4 * LEASE_MS;
const QUEUE_STOP_MS = 800;
/** After a fault of the node everybody comes back, and what has waited is worked off: until this few tasks are open. */
const CALM_TASKS = 100;
const CALM_CHECK_MS = 100;
/** The last of them still had to wait. */
const AFTERMATH_MS = 2000;

/** The processes that may die, and what makes them. */
export class Chaos {
  readonly #parts: ChaosParts;
  readonly #crews: ClientProcess[];
  #names = 0;
  #isOver = false;
  /** One fault of the node at a time. */
  #node: Promise<void> = Promise.resolve();

  constructor(parts: ChaosParts) {
    this.#parts = parts;
    this.#crews = Array.from({ length: CREWS }, () => this.#newCrew());
  }

  /** Resolves when it was stopped, and nothing is broken any more. */
  async run(): Promise<void> {
    await Promise.all([
      this.#every(CREW_DEATH_MS, () => this.#killCrew()),
      this.#every(CREW_PAUSE_MS, () => this.#pauseCrew()),
      this.#every(WEIGHT_MS, () => this.#setWeight()),
      this.#every(QUEUE_PAUSE_MS, () => this.#pauseQueue()),
      this.#every(NODE_PAUSE_MS, () => this.#onNode(() => this.#pauseNode())),
      this.#every(this.#parts.nodeLifeMs, () => this.#onNode(() => this.#killNode())),
    ]);
    await this.#operate(() => this.#parts.arena.admin.resumeQueue(QUEUE));
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Does something again and again, at random distances around `meanMs`. */
  async #every(meanMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      const untilMs = performance.now() + this.#parts.random.int(Math.round(meanMs * 0.7), Math.round(meanMs * 1.3));
      while (!this.#isOver && performance.now() < untilMs) await sleep(Math.min(200, meanMs));
      if (!this.#isOver) await act();
    }
  }

  async #killCrew(): Promise<void> {
    const index = this.#parts.random.int(0, CREWS - 1);
    const crew = this.#crews[index];
    if (crew === undefined) return;
    await this.#parts.arena.killClient(crew);
    this.#crews[index] = this.#newCrew();
  }

  async #pauseCrew(): Promise<void> {
    const crew = this.#parts.random.pick(this.#crews);
    if (crew !== undefined) await this.#parts.arena.pauseClient(crew, PAUSE_MS);
  }

  async #setWeight(): Promise<void> {
    const { arena, random } = this.#parts;
    const id = random.pick(this.#crews.flatMap(({ analyzers }) => analyzers));
    if (id === undefined) return;
    await this.#operate(() => arena.admin.setWeight(id, random.int(1, 5)));
    arena.hit("weight set");
  }

  async #pauseQueue(): Promise<void> {
    const { arena } = this.#parts;
    const fromMs = Date.now();
    await this.#operate(() => arena.admin.pauseQueue(QUEUE));
    await sleep(QUEUE_STOP_MS);
    await this.#operate(() => arena.admin.resumeQueue(QUEUE));
    arena.hit("queue paused", "", fromMs, Date.now());
    this.#parts.disturbances.add(fromMs, Date.now() + 2 * QUEUE_STOP_MS);
  }

  async #pauseNode(): Promise<void> {
    const fromMs = Date.now();
    await this.#parts.arena.pauseNode(PAUSE_MS);
    await this.#calm(fromMs);
  }

  async #killNode(): Promise<void> {
    if (!this.#parts.mayKillNode()) return;
    const fromMs = Date.now();
    await this.#parts.arena.killNode();
    await this.#parts.arena.startNode();
    await this.#calm(fromMs);
  }

  /** A node that does not get calm again is disturbed to the end of the run: its latency is not called flat then. */
  async #calm(fromMs: number): Promise<void> {
    while (!this.#isOver && this.#parts.arena.checker.open > CALM_TASKS) await sleep(CALM_CHECK_MS);
    this.#parts.disturbances.add(fromMs, Date.now() + AFTERMATH_MS);
  }

  async #onNode(act: () => Promise<void>): Promise<void> {
    this.#node = this.#node.then(act);
    await this.#node;
  }

  /** An operator's call, again until the node is there; analyzers that are gone are no business of his. */
  async #operate(call: () => Promise<unknown>): Promise<void> {
    while (true) {
      try {
        await call();
        return;
      } catch (error) {
        if (!(error instanceof SluiceClientError)) throw error;
        if (error.code === "NOT_FOUND") return;
        if (error.code !== "UNAVAILABLE" && error.code !== "DEADLINE_EXCEEDED") throw error;
        await sleep(200);
      }
    }
  }

  #newCrew(): ClientProcess {
    const ids = Array.from({ length: ANALYZERS_PER_CREW }, () => `mortal-${++this.#names}`);
    return this.#parts.arena.crewOf(ids, CONCURRENCY);
  }
}
