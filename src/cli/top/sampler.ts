/**
 * Asks the node for its figures, again and again.
 *
 *  S1  A node that is away, or does not answer in time, is a problem to show and not an error: it is asked again.
 *  S2  At most one question is open: a node that hangs is not asked more.
 *  S3  Any other refusal of the node is an error.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { type Admin, SluiceClientError } from "@sluice/client";
import type { GetStatsResponse } from "@sluice/client/contract";
import { formatDuration } from "../output/figures.ts";
import { NO_FIGURES, type TopFigures, withLook } from "./figures.ts";

/** What the sampler uses of the SDK. */
export type StatsSource = Pick<Admin, "stats">;

/** What to ask for. */
export interface SamplerSettings {
  readonly addresses: readonly string[];
  /** Undefined: every queue. */
  readonly queue: string | undefined;
  /** A look waits this long for the answer; after it the node is said not to answer. */
  readonly patienceMs: number;
}

/** The node's states that pass. */
const OUTAGES: ReadonlySet<string> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"]);

/** See the top of the file. */
export class Sampler {
  readonly #source: StatsSource;
  readonly #settings: SamplerSettings;
  #figures = NO_FIGURES;
  #open: Promise<void> | undefined;
  #askedAtMs = 0;

  constructor(source: StatsSource, settings: SamplerSettings) {
    this.#source = source;
    this.#settings = settings;
  }

  get figures(): TopFigures {
    return this.#figures;
  }

  /** Asks once, or waits on for the answer that is still due. Resolves with what is known then. */
  async look(): Promise<TopFigures> {
    if (this.#open === undefined) {
      this.#askedAtMs = performance.now();
      this.#open = this.#ask().finally(() => {
        this.#open = undefined;
      });
      // When nobody waits for it any more: the next question meets the same refusal.
      this.#open.catch(() => {});
    }
    const over = new AbortController();
    const late = wait(this.#settings.patienceMs, "late" as const, { signal: over.signal }).catch(() => {});
    const first = await Promise.race([this.#open, late]);
    over.abort();
    if (first === "late") this.#waiting(`no answer for ${formatDuration(performance.now() - this.#askedAtMs)}`);
    return this.#figures;
  }

  async #ask(): Promise<void> {
    let stats: GetStatsResponse;
    try {
      stats = await this.#source.stats(this.#settings.queue);
    } catch (error) {
      if (!(error instanceof SluiceClientError) || !OUTAGES.has(error.code)) throw error;
      this.#waiting(error.code === "UNAVAILABLE" ? "no node" : "no answer");
      return;
    }
    this.#figures = withLook(this.#figures, { stats, atMs: performance.now() });
  }

  #waiting(problem: string): void {
    const place = this.#settings.addresses.join(" or ");
    const { look } = this.#figures;
    const age = look === undefined ? "" : `; the figures are ${formatDuration(performance.now() - look.atMs)} old`;
    this.#figures = { ...this.#figures, earlier: undefined, problem: `${problem} at ${place}, trying again${age}` };
  }
}
