/**
 * Counts and times one run. Times are monotonic, in milliseconds; histograms hold microseconds with three significant
 * digits.
 *
 *  M1  Only tasks stamped as measured are counted.
 *  M2  Each accepted task gives one submit latency; each run of a handler gives one handler latency.
 */
import { build, type Histogram } from "hdr-histogram-js";
import { readStamp } from "./stamp.ts";

/** Percentiles of a latency in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Longest latency that is told apart: an hour. Longer ones count as that. */
const HIGHEST_US = 3_600_000_000;

/** The figures of one run while it goes on. */
export class Measure {
  /** Tasks that a submit call was made for. */
  submitted = 0;
  /** Tasks answered OK. */
  accepted = 0;
  /** When the last task was answered OK. */
  lastAcceptedMs = 0;
  /** Runs of handlers, by analyzer. */
  readonly handled: number[];
  /** When the last handler ran. */
  lastHandledMs = 0;

  readonly #submitUs = newHistogram();
  readonly #handlerUs = newHistogram();

  constructor(analyzers: number) {
    this.handled = Array.from({ length: analyzers }, () => 0);
  }

  /** A task was answered OK. */
  recordAccepted(intendedMs: number, nowMs: number): void {
    this.accepted += 1;
    this.lastAcceptedMs = nowMs;
    record(this.#submitUs, nowMs - intendedMs);
  }

  /** A handler of the analyzer with this index got a task with this payload. */
  recordHandled(analyzer: number, payload: Uint8Array, nowMs: number): void {
    const { phase, intendedMs } = readStamp(payload);
    if (phase === "warmup") return;
    this.handled[analyzer] = (this.handled[analyzer] ?? 0) + 1;
    this.lastHandledMs = nowMs;
    record(this.#handlerUs, nowMs - intendedMs);
  }

  get handledInAll(): number {
    return this.handled.reduce((total, count) => total + count, 0);
  }

  /** From the time at which a submit was due to its OK. */
  submitLatency(): Latency {
    return latencyOf(this.#submitUs);
  }

  /** From the time at which a submit was due to the start of the handler. */
  handlerLatency(): Latency {
    return latencyOf(this.#handlerUs);
  }
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: 3 });
}

function record(histogram: Histogram, latencyMs: number): void {
  histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, Math.round(latencyMs * 1000))));
}

function latencyOf(histogram: Histogram): Latency {
  const ms = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    count: histogram.totalCount,
    p50: ms(50),
    p90: ms(90),
    p99: ms(99),
    p999: ms(99.9),
    max: histogram.totalCount === 0 ? 0 : histogram.maxValue / 1000,
  };
}
