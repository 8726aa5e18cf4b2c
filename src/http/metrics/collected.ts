/**
 * Metrics whose values somebody else keeps: they are set when they are asked for, and cost nothing in between.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { HistogramFigures } from "../../core/histogram.ts";

/** Name and meaning of a metric. */
export interface Described {
  readonly name: string;
  readonly help: string;
}

/** Values of a label set; series that have not been set since the last scrape are gone. */
export interface Collected {
  /** Forgets all series. */
  clear(): void;
  set(labels: Readonly<Record<string, string>>, value: number): void;
}

const MS_PER_SECOND = 1000;

/** A gauge. */
export function gauge(registry: Registry, { name, help }: Described, labelNames: readonly string[] = []): Collected {
  const metric = new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  return { clear: () => metric.reset(), set: (labels, value) => metric.set(labels, value) };
}

/** A counter that is counted elsewhere. */
export function counter(registry: Registry, { name, help }: Described, labelNames: readonly string[] = []): Collected {
  const metric = new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  return { clear: () => metric.reset(), set: (labels, value) => metric.inc(labels, value) };
}

/** One series of a histogram that is counted elsewhere, in milliseconds. */
export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly figures: HistogramFigures;
}

/** A histogram that is counted elsewhere, in milliseconds, and shown in seconds. */
export class CollectedHistogram extends Histogram {
  readonly #name: string;
  readonly #series: () => readonly HistogramSeries[];
  /** Says what a histogram says besides its values. */
  readonly #empty: Histogram;

  constructor(registry: Registry, { name, help }: Described, series: () => readonly HistogramSeries[]) {
    super({ name, help, registers: [registry] });
    this.#name = name;
    this.#series = series;
    this.#empty = new Histogram({ name, help, registers: [] });
  }

  override async get(): ReturnType<Histogram["get"]> {
    const values = this.#series().flatMap((series) => this.#values(series));
    return { ...(await this.#empty.get()), values };
  }

  /** What a registry asks a histogram for in place of `get`, when it makes text. */
  getForPromString(): ReturnType<Histogram["get"]> {
    return this.get();
  }

  #values({ labels, figures: { bounds, counts, sum } }: HistogramSeries) {
    let count = 0;
    const buckets = bounds.map((bound, index) => {
      count += counts[index] ?? 0;
      return { metricName: `${this.#name}_bucket`, labels: { ...labels, le: bound / MS_PER_SECOND }, value: count };
    });
    count += counts[bounds.length] ?? 0;
    return [
      ...buckets,
      { metricName: `${this.#name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
      { metricName: `${this.#name}_sum`, labels, value: sum / MS_PER_SECOND },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}
