/**
 * Rounds of kill -9: the node dies at a random moment while an emitter submits and analyzers work, again and again; now and
 * then an analyzer process dies too, or the node dies a second time while it starts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../sim/random.ts";
import { Arena, GRACE_MS } from "./arena.ts";
import type { Tally, Violation } from "./checker.ts";
import type { ClientProcess } from "./client-process.ts";

/** What to run. */
export interface RoundsInput {
  readonly rounds: number;
  readonly seed: number;
  readonly perSecond: number;
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface RoundsReport {
  readonly rounds: number;
  readonly seed: number;
  readonly seconds: number;
  /** From the start of the process to "node.started", over all rounds. */
  readonly restartMs: { readonly median: number; readonly max: number };
  /** Tasks that were answered OK and had not ended when the node died, summed over the rounds. */
  readonly openAtKills: number;
  readonly tally: Tally;
  readonly violations: readonly Violation[];
}

/** The node dies at most this long after it serves: within the grace of its predecessor's leases, or at full work. */
const MAX_LIFE_MS = 2 * GRACE_MS;
/** Some lives are long enough that an analyzer is given up in them. */
const LONG_LIVES = 0.3;
const MAX_LONG_LIFE_MS = 6 * GRACE_MS;
/** The second death: while node.js loads, while the store opens, or just when it serves. */
const EARLY_DEATH_MS = { min: 20, max: 400 };
const EARLY_DEATHS = 0.15;
const ANALYZER_DEATHS = 0.5;
/** Of those, the ones that come back under their old name. */
const SAME_NAMES = 0.5;
const CREWS = 3;
const ANALYZERS_PER_CREW = 2;
const CONCURRENCY = 32;
/** Long enough that the node mostly dies while handlers are at work. */
const WORK_MS = 400;
const MAX_OPEN = 5000;
const DRAIN_DEADLINE_MS = 60_000;

/** Runs the rounds. */
export async function runRounds(input: RoundsInput): Promise<RoundsReport> {
  await using arena = await Arena.open();
  // Awaited here, as the arena is gone when this function returns.
  return await new Rounds(arena, input).run();
}

class Rounds {
  readonly #arena: Arena;
  readonly #input: RoundsInput;
  readonly #random: Random;
  readonly #restartsMs: number[] = [];
  #crews: ClientProcess[] = [];
  #names = 0;
  #openAtKills = 0;

  constructor(arena: Arena, input: RoundsInput) {
    this.#arena = arena;
    this.#input = input;
    this.#random = new Random(input.seed);
  }

  async run(): Promise<RoundsReport> {
    const startMs = performance.now();
    const { rounds, seed, perSecond, say } = this.#input;
    await this.#arena.startNode();
    this.#crews = Array.from({ length: CREWS }, () => this.#arena.crewOf(this.#newNames(), CONCURRENCY));
    const emitter = this.#arena.emitter({ perSecond, workMs: WORK_MS });
    for (let round = 1; round <= rounds; round++) {
      // On a busy machine analyzers may not keep up; a backlog that grows with the rounds would tell nothing new.
      emitter.setPace(this.#arena.checker.open > MAX_OPEN ? 0 : perSecond);
      await this.#round();
      if (round % 10 === 0) say(`round ${round}: ${this.#openAtKills} tasks were open at the kills so far`);
    }
    await emitter.flush();
    const { tally, violations } = await this.#arena.verdict(DRAIN_DEADLINE_MS);
    const sorted = this.#restartsMs.sort((a, b) => a - b);
    return {
      rounds,
      seed,
      seconds: Math.round((performance.now() - startMs) / 1000),
      restartMs: { median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 },
      openAtKills: this.#openAtKills,
      tally,
      violations,
    };
  }

  async #round(): Promise<void> {
    const random = this.#random;
    const lifeMs = random.int(0, random.chance(LONG_LIVES) ? MAX_LONG_LIFE_MS : MAX_LIFE_MS);
    const isBereft = random.chance(ANALYZER_DEATHS);
    const bereavementMs = random.int(0, lifeMs);
    await sleep(isBereft ? bereavementMs : lifeMs);
    if (isBereft) {
      await this.#replaceCrew(random.int(0, CREWS - 1));
      await sleep(lifeMs - bereavementMs);
    }
    await this.#kill();
    if (random.chance(EARLY_DEATHS)) {
      this.#arena.launchNode();
      await sleep(random.int(EARLY_DEATH_MS.min, EARLY_DEATH_MS.max));
      await this.#kill();
    }
    const startMs = performance.now();
    await this.#arena.startNode();
    this.#restartsMs.push(Math.round(performance.now() - startMs));
  }

  async #kill(): Promise<void> {
    await this.#arena.killNode();
    this.#openAtKills += this.#arena.checker.open;
  }

  async #replaceCrew(index: number): Promise<void> {
    const crew = this.#crews[index];
    if (crew === undefined) return;
    await this.#arena.killClient(crew);
    const names = this.#random.chance(SAME_NAMES) ? crew.analyzers : this.#newNames();
    this.#crews[index] = this.#arena.crewOf(names, CONCURRENCY);
  }

  #newNames(): string[] {
    return Array.from({ length: ANALYZERS_PER_CREW }, () => `analyzer-${++this.#names}`);
  }
}
