/**
 * A soak: steady load for as long as you like, while processes die and pause and weights change; memory and latency of the
 * last third against the first; the checker at the end.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../sim/random.ts";
import { Arena, QUEUE } from "../arena.ts";
import type { Tally, Violation } from "../checker.ts";
import type { ClientProcess } from "../client-process.ts";
import type { HistoryEvent } from "../history.ts";
import { anonymousMiB } from "../process-memory.ts";
import { Chaos } from "./chaos.ts";
import { type Comparison, compare, Disturbances, SERIES, type Series } from "./figures.ts";

/** What to run. */
export interface SoakInput {
  readonly minutes: number;
  readonly perSecond: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly minutes: number;
  readonly perSecond: number;
  readonly seed: number;
  /** First third against last. */
  readonly figures: Readonly<Record<string, Comparison>>;
  readonly tally: Tally;
  readonly violations: readonly Violation[];
  readonly isFlat: boolean;
}

const SAMPLE_MS = 1000;
const PROGRESS_MS = 10_000;
/** Lives of the node in each of the outer thirds. */
const LIVES_PER_THIRD = 4;
/** A node is as young as this when its memory says something about its life, and no longer about its start. */
const MIN_AGE_PART = 0.3;
/** Of the long life, and of the lives of the clients, this part is warming up. */
const WARM_UP_PART = 0.25;
/** Tasks are kept for this part of the run, so that the data has its final size early. */
const RETENTION_PART = 0.1;
/** An emitter that was cut off must find the endings of its tasks when it is back. */
const MIN_RETENTION_MS = 60_000;
const DRAIN_DEADLINE_MS = 60_000;
const WORK_MS = 30;

/** Runs a soak. */
export async function runSoak(input: SoakInput): Promise<SoakReport> {
  let soak: Soak | undefined;
  await using arena = await Arena.open({ onEvent: (event) => soak?.note(event) });
  soak = new Soak(arena, input);
  return await soak.run();
}

class Soak {
  readonly #arena: Arena;
  readonly #input: SoakInput;
  /** When the open tasks were asked for. */
  readonly #asked = new Map<string, number>();
  readonly #disturbances = new Disturbances();
  readonly #samples = new Map(SERIES.map((series) => [series, { first: [] as number[], last: [] as number[] }]));
  readonly #latencies: { readonly askedMs: number; readonly atMs: number; readonly kind: "OK" | "ending" }[] = [];
  readonly #startMs = Date.now();
  readonly #lengthMs: number;
  #nodePid = 0;
  #nodeStartMs = 0;

  constructor(arena: Arena, input: SoakInput) {
    this.#arena = arena;
    this.#input = input;
    this.#lengthMs = input.minutes * 60_000;
  }

  async run(): Promise<SoakReport> {
    const { minutes, perSecond, seed } = this.#input;
    const arena = this.#arena;
    await arena.startNode();
    const retentionMs = Math.max(MIN_RETENTION_MS, this.#lengthMs * RETENTION_PART);
    await arena.admin.setQueue(QUEUE, { retentionMs, deadRetentionMs: retentionMs });
    const survivor = arena.crewOf(["survivor-1", "survivor-2"], 16);
    const emitter = arena.emitter({ perSecond, workMs: WORK_MS });
    const chaos = new Chaos({
      arena,
      random: new Random(seed),
      disturbances: this.#disturbances,
      mayKillNode: () => this.#third() !== 1,
      nodeLifeMs: this.#nodeLifeMs,
    });
    const over = chaos.run();
    await this.#watch(emitter, survivor);
    chaos.stop();
    await over;
    await emitter.flush();
    const { tally, violations } = await arena.verdict(DRAIN_DEADLINE_MS);
    const figures = this.#figures();
    const isFlat = Object.values(figures).every((figure) => figure.isFlat);
    return { minutes, perSecond, seed, figures, tally, violations, isFlat };
  }

  /** Hears every event: keeps how long submits and tasks took. */
  note(event: HistoryEvent): void {
    if (event.kind === "asked") this.#asked.set(event.task, event.atMs);
    else if (event.kind === "answered") this.#took(event.task, event.atMs, "OK");
    else if (event.kind === "ended") this.#took(event.finding.task, event.atMs, "ending");
  }

  #took(task: string, atMs: number, kind: "OK" | "ending"): void {
    const askedMs = this.#asked.get(task);
    if (askedMs === undefined) return;
    this.#latencies.push({ askedMs, atMs, kind });
    if (kind === "ending") this.#asked.delete(task);
  }

  async #watch(emitter: ClientProcess, survivor: ClientProcess): Promise<void> {
    let nextProgressMs = PROGRESS_MS;
    while (this.#elapsedMs < this.#lengthMs) {
      await sleep(SAMPLE_MS);
      this.#sample(emitter, survivor);
      if (this.#elapsedMs < nextProgressMs) continue;
      nextProgressMs += PROGRESS_MS;
      this.#progress(emitter);
    }
  }

  #sample(emitter: ClientProcess, survivor: ClientProcess): void {
    const { pid } = this.#arena.node;
    if (pid !== this.#nodePid) {
      this.#nodePid = pid;
      this.#nodeStartMs = Date.now();
    }
    const ageMs = Date.now() - this.#nodeStartMs;
    const life = this.#nodeLifeMs;
    const third = this.#third();
    const node = anonymousMiB(pid);
    if (third !== 1 && ageMs >= life * MIN_AGE_PART && ageMs <= life) {
      this.#keep("node at equal age, MiB", third === 0, node);
    }
    this.#sampleLongLife(node);
    if (third === 1 || this.#elapsedMs < (this.#lengthMs / 3) * WARM_UP_PART) return;
    this.#keep("emitter, MiB", third === 0, anonymousMiB(emitter.pid));
    this.#keep("surviving crew, MiB", third === 0, anonymousMiB(survivor.pid));
    this.#keep("data on disk, MiB", third === 0, this.#dataMiB());
  }

  /** Of the second third, after a warm-up: the first third of it against the last. */
  #sampleLongLife(node: number | undefined): void {
    const part = (this.#elapsedMs / this.#lengthMs) * 3 - 1;
    if (part < WARM_UP_PART || part > 1) return;
    const where = (part - WARM_UP_PART) / (1 - WARM_UP_PART);
    if (where < 1 / 3) this.#keep("node in its long life, MiB", true, node);
    else if (where > 2 / 3) this.#keep("node in its long life, MiB", false, node);
  }

  #keep(series: Series, isFirst: boolean, value: number | undefined): void {
    if (value !== undefined) this.#samples.get(series)?.[isFirst ? "first" : "last"].push(value);
  }

  #progress(emitter: ClientProcess): void {
    const { checker } = this.#arena;
    const at = `${(this.#elapsedMs / 60_000).toFixed(1)} of ${this.#input.minutes} min`;
    const memory = `node ${anonymousMiB(this.#nodePid) ?? "?"} MiB, emitter ${anonymousMiB(emitter.pid) ?? "?"} MiB`;
    const recent = this.#latencies.slice(-1000).filter(({ kind }) => kind === "ending");
    const meanMs = recent.reduce((sum, { askedMs, atMs }) => sum + atMs - askedMs, 0) / Math.max(1, recent.length);
    const tasks = `${checker.accepted} tasks accepted, ${checker.open} open`;
    this.#input.say(`${at}: ${tasks}; ${memory}, data ${this.#dataMiB()} MiB; ${meanMs.toFixed(0)} ms to the ending`);
  }

  #figures(): Record<string, Comparison> {
    for (const { askedMs, atMs, kind } of this.#latencies) {
      const third = this.#third(askedMs);
      if (third === 1 || this.#disturbances.touches(askedMs, atMs)) continue;
      for (const series of SERIES) {
        if (series.startsWith(`submit to ${kind} `)) this.#keep(series, third === 0, atMs - askedMs);
      }
    }
    const figures = SERIES.map((series) => {
      const { first, last } = this.#samples.get(series) ?? { first: [], last: [] };
      return [series, compare(series, first, last)] as const;
    });
    return Object.fromEntries(figures);
  }

  #dataMiB(): number {
    const directory = this.#arena.dataDirectory;
    const bytes = readdirSync(directory).map(
      (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size,
    );
    return Math.round(bytes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / 1_048_576);
  }

  get #elapsedMs(): number {
    return Date.now() - this.#startMs;
  }

  get #nodeLifeMs(): number {
    return this.#lengthMs / 3 / LIVES_PER_THIRD;
  }

  /** 0, 1 or 2. */
  #third(atMs = Date.now()): number {
    return Math.min(2, Math.floor(((atMs - this.#startMs) / this.#lengthMs) * 3));
  }
}
