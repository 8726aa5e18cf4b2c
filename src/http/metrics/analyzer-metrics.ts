/**
 * Figures of the analyzers and of their shares as metrics. Analyzers beyond MAX_METRIC_ANALYZERS, and shares beyond
 * MAX_METRIC_SHARES, are added up as `other`. An analyzer that has left has no series any more.
 */
import type { Registry } from "prom-client";
import type { AnalyzerFigures, QueueFigures } from "../../engine/api.ts";
import { MAX_METRIC_ANALYZERS, MAX_METRIC_SHARES } from "../limits.ts";
import { BoundedNames, OTHER } from "./bounded-names.ts";
import { type Collected, gauge } from "./collected.ts";
import { grouped, total } from "./grouped.ts";

const STATES: readonly AnalyzerFigures["state"][] = ["ATTACHED", "DRAINING", "DETACHED"];

/** The analyzers. */
export class AnalyzerMetrics {
  readonly #analyzers = new BoundedNames(MAX_METRIC_ANALYZERS);
  readonly #queues: BoundedNames;
  /** Pairs of queue and analyzer. */
  readonly #pairs = new BoundedNames(MAX_METRIC_SHARES);
  readonly #states: Collected;
  readonly #credit: Collected;
  readonly #inFlight: Collected;
  readonly #silence: Collected;
  readonly #expected: Collected;
  readonly #observed: Collected;
  readonly #lead: Collected;

  constructor(registry: Registry, queues: BoundedNames) {
    this.#queues = queues;
    const analyzers = "Analyzers by state.";
    this.#states = gauge(registry, { name: "sluice_analyzers", help: analyzers }, ["state"]);
    const credit = "Unused credit: deliveries that an analyzer would take now.";
    this.#credit = gauge(registry, { name: "sluice_analyzer_credit", help: credit }, ["analyzer"]);
    const inFlight = "Tasks that an analyzer works on.";
    this.#inFlight = gauge(registry, { name: "sluice_analyzer_in_flight", help: inFlight }, ["analyzer"]);
    const silence = "Time since the last sign of life of an analyzer.";
    this.#silence = gauge(registry, { name: "sluice_analyzer_silence_seconds", help: silence }, ["analyzer"]);
    const labels = ["queue", "analyzer"];
    const expected = "Part of a queue's tasks that an analyzer should get by its weight.";
    this.#expected = gauge(registry, { name: "sluice_share_expected_ratio", help: expected }, labels);
    const observed = "Part of a queue's recent deliveries that an analyzer got.";
    this.#observed = gauge(registry, { name: "sluice_share_observed_ratio", help: observed }, labels);
    const lead = "Tasks that an analyzer is ahead (above 0) or behind (below 0) of its share.";
    this.#lead = gauge(registry, { name: "sluice_share_lead_tasks", help: lead }, labels);
  }

  update(analyzers: readonly AnalyzerFigures[], queues: readonly QueueFigures[]): void {
    const present = analyzers.filter(({ state }) => state !== "GONE");
    this.#analyzers.retain(present.map(({ id }) => id));
    this.#updateStates(present);
    const groups = grouped(present, ({ id }) => this.#analyzers.labelOf(id));
    for (const metric of [this.#credit, this.#inFlight, this.#silence]) metric.clear();
    for (const [analyzer, members] of groups) {
      this.#credit.set(
        { analyzer },
        total(members, ({ credit }) => credit),
      );
      this.#inFlight.set(
        { analyzer },
        total(members, ({ inFlight }) => inFlight),
      );
      this.#silence.set({ analyzer }, Math.max(...members.map(({ lastFrameMs }) => lastFrameMs)) / 1000);
    }
    this.#updateShares(queues);
  }

  #updateStates(analyzers: readonly AnalyzerFigures[]): void {
    this.#states.clear();
    for (const state of STATES) {
      this.#states.set({ state: state.toLowerCase() }, analyzers.filter((analyzer) => analyzer.state === state).length);
    }
  }

  #updateShares(queues: readonly QueueFigures[]): void {
    const shares = queues.flatMap(({ name, shares: ofQueue }) =>
      ofQueue.filter(({ expected }) => expected > 0).map((share) => ({ ...share, queue: name })),
    );
    this.#pairs.retain(shares.map(pairOf));
    for (const metric of [this.#expected, this.#observed, this.#lead]) metric.clear();
    // Neither a queue nor an analyzer may have a slash and a blank in its name.
    const groups = grouped(shares, (share) => {
      const isNamed = this.#pairs.labelOf(pairOf(share)) !== OTHER;
      return `${this.#queues.labelOf(share.queue)} ${isNamed ? share.analyzerId : OTHER}`;
    });
    for (const [pair, members] of groups) {
      const [queue = "", analyzer = ""] = pair.split(" ");
      const labels = { queue, analyzer };
      this.#expected.set(
        labels,
        total(members, ({ expected }) => expected),
      );
      this.#observed.set(
        labels,
        total(members, ({ observed }) => observed),
      );
      this.#lead.set(
        labels,
        total(members, ({ lead }) => lead),
      );
    }
  }
}

function pairOf({ queue, analyzerId }: { readonly queue: string; readonly analyzerId: string }): string {
  return `${queue} ${analyzerId}`;
}
