/**
 * Reconnect storms: a node with thousands of analyzers, each with a connection of its own, is killed and restarted; then all
 * analyzers die at once and come back under their names.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Arena } from "./arena.ts";
import type { Tally, Violation } from "./checker.ts";
import type { ClientProcess } from "./client-process.ts";
import { anonymousMiB } from "./process-memory.ts";

/** What came of it. Times count from the moment when the node serves, or the new analyzers start. */
export interface StormReport {
  readonly analyzers: number;
  /** Until all were attached at the very first, after the death of the node, and after their own. */
  readonly firstAttachMs: number;
  readonly nodeDeath: { readonly attachMs: number; readonly workMs: number };
  readonly analyzersDeath: { readonly attachMs: number; readonly workMs: number };
  /** Memory of the node, all analyzers at work, before and after their death; undefined where it cannot be told. */
  readonly beforeMiB: number | undefined;
  readonly afterMiB: number | undefined;
  readonly tally: Tally;
  readonly violations: readonly Violation[];
}

/** What to run. */
export interface StormInput {
  readonly analyzers: number;
  readonly perSecond: number;
  /** Everybody must be attached, and have got work, by then. */
  readonly deadlineMs: number;
}

const WORK_MS = 20;
const SETTLE_MS = 3000;
const DRAIN_DEADLINE_MS = 60_000;

/** Runs two storms. Rejects when they do not calm down in time. */
export async function runStorm(input: StormInput): Promise<StormReport> {
  await using arena = await Arena.open();
  return await new Storm(arena, input).run();
}

class Storm {
  readonly #arena: Arena;
  readonly #input: StormInput;
  readonly #ids: readonly string[];

  constructor(arena: Arena, input: StormInput) {
    this.#arena = arena;
    this.#input = input;
    this.#ids = Array.from({ length: input.analyzers }, (_, index) => `a${index}`);
  }

  async run(): Promise<StormReport> {
    const arena = this.#arena;
    await arena.startNode();
    let swarm = this.#swarm();
    const firstAttachMs = await this.#allAttached(swarm);
    const emitter = arena.emitter({ perSecond: this.#input.perSecond, workMs: WORK_MS });
    await this.#allWork();

    await arena.killNode();
    await this.#until("gone", () => swarm.attached === 0);
    await arena.startNode();
    const nodeDeath = await this.#calm(swarm);

    await sleep(SETTLE_MS);
    const beforeMiB = anonymousMiB(arena.node.pid);
    await arena.killClient(swarm);
    swarm = this.#swarm();
    const analyzersDeath = await this.#calm(swarm);
    await sleep(SETTLE_MS);
    const afterMiB = anonymousMiB(arena.node.pid);

    await emitter.flush();
    const verdict = await arena.verdict(DRAIN_DEADLINE_MS);
    const { analyzers } = this.#input;
    return { analyzers, firstAttachMs, nodeDeath, analyzersDeath, beforeMiB, afterMiB, ...verdict };
  }

  #swarm(): ClientProcess {
    const analyzers = this.#ids.map((id) => ({ id, weight: 1, concurrency: 1 }));
    return this.#arena.crew({ analyzers, ownConnections: true });
  }

  async #calm(swarm: ClientProcess): Promise<{ attachMs: number; workMs: number }> {
    const attachMs = await this.#allAttached(swarm);
    return { attachMs, workMs: attachMs + (await this.#allWork()) };
  }

  #allAttached(swarm: ClientProcess): Promise<number> {
    return this.#until("attached", () => swarm.attached === this.#ids.length);
  }

  /** Every one of them gets something to do. */
  #allWork(): Promise<number> {
    const { checker } = this.#arena;
    const before = new Map(this.#ids.map((id) => [id, checker.deliveries(id)]));
    return this.#until("at work", () => this.#ids.every((id) => checker.deliveries(id) > (before.get(id) ?? 0)));
  }

  /** Resolves with how long it took. */
  async #until(what: string, holds: () => boolean): Promise<number> {
    const startMs = performance.now();
    while (!holds()) {
      if (performance.now() - startMs > this.#input.deadlineMs) {
        throw new Error(`the analyzers were not ${what} within ${this.#input.deadlineMs} ms`);
      }
      await sleep(20);
    }
    return Math.round(performance.now() - startMs);
  }
}
