/**
 * Everything that a node tells Prometheus. Nothing is counted here: figures are asked for when a scrape comes, and scrapes
 * that come while one is under way share its answer.
 *
 * docs/metrics.md is the table of the names, held against this by a test.
 */
import { Registry } from "prom-client";
import type { Distributor, NodeFigures, Vitals } from "../../engine/api.ts";
import { MAX_METRIC_QUEUES } from "../limits.ts";
import { isReady } from "../readiness.ts";
import { AnalyzerMetrics } from "./analyzer-metrics.ts";
import { BoundedNames } from "./bounded-names.ts";
import { type Collected, CollectedHistogram, gauge } from "./collected.ts";
import { LoopDelay } from "./loop-delay.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { QueueMetrics } from "./queue-metrics.ts";

/** How much room the store takes and has. */
export interface StorageFigures {
  readonly usedBytes: number;
  /** What is left for it on its file system. */
  readonly freeBytes: number;
}

/** What the metrics are made of. */
export interface MetricsParts {
  readonly distributor: Pick<Distributor, "figures" | "vitals">;
  /** Undefined for a store that has no files of its own. */
  storage(): Promise<StorageFigures | undefined>;
}

/** The metrics of a node. */
export class NodeMetrics implements Disposable {
  readonly #parts: MetricsParts;
  readonly #registry = new Registry();
  readonly #loop = new LoopDelay();
  // Never forgotten: counters have these names too.
  readonly #queueNames = new BoundedNames(MAX_METRIC_QUEUES);
  readonly #queues = new QueueMetrics(this.#registry, this.#queueNames);
  readonly #analyzers = new AnalyzerMetrics(this.#registry, this.#queueNames);
  readonly #process = new ProcessMetrics(this.#registry);
  readonly #node = nodeGauges(this.#registry);
  #scrape: Promise<string> | undefined;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    const timings = () => parts.distributor.vitals().timings;
    const one = (figures: ReturnType<typeof timings>["wait"]) => [{ labels: {}, figures }];
    const wait = "Time from the submission of a task to its first delivery, a delay that was asked for included.";
    new CollectedHistogram(this.#registry, { name: "sluice_task_wait_seconds", help: wait }, () => one(timings().wait));
    const run = "Time from a delivery to its result or timeout.";
    new CollectedHistogram(this.#registry, { name: "sluice_attempt_run_seconds", help: run }, () => one(timings().run));
    const commit = "Time that storage takes to write down what one turn has collected: submits or results.";
    new CollectedHistogram(this.#registry, { name: "sluice_commit_seconds", help: commit }, () => [
      { labels: { kind: "submit" }, figures: timings().insertCommit },
      { labels: { kind: "result" }, figures: timings().finishCommit },
    ]);
    const delay = "How late the event loop is, looked at twenty times a second.";
    const series = () => one(this.#loop.figures);
    new CollectedHistogram(this.#registry, { name: "sluice_event_loop_delay_seconds", help: delay }, series);
  }

  /** What `text()` has. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The metrics in the text format of Prometheus. */
  text(): Promise<string> {
    this.#scrape ??= this.#collect().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  [Symbol.dispose](): void {
    this.#loop[Symbol.dispose]();
  }

  async #collect(): Promise<string> {
    const { distributor, storage } = this.#parts;
    const [{ node, queues, analyzers }, stored] = await Promise.all([
      distributor.figures(""),
      storage(),
      this.#process.update(),
    ]);
    this.#updateNode(node, distributor.vitals(), stored);
    this.#queues.update(queues);
    this.#analyzers.update(analyzers, queues);
    return this.#registry.metrics();
  }

  #updateNode(node: NodeFigures, vitals: Vitals, stored: StorageFigures | undefined): void {
    const { info, uptime, epoch, draining, ready, hold, sessions, leases, oldestWrite, used, free } = this.#node;
    info.clear();
    info.set({ version: node.version, store: node.store }, 1);
    uptime.set({}, node.uptimeMs / 1000);
    epoch.set({}, node.epoch);
    draining.set({}, Number(node.draining));
    ready.set({}, Number(isReady(vitals)));
    hold.set({}, node.holdMs / 1000);
    sessions.set({}, node.sessions);
    leases.set({}, node.leases);
    oldestWrite.set({}, vitals.oldestCommitMs / 1000);
    for (const metric of [used, free]) metric.clear();
    if (stored === undefined) return;
    used.set({}, stored.usedBytes);
    free.set({}, stored.freeBytes);
  }
}

function nodeGauges(registry: Registry) {
  const node = (name: string, help: string, labels: readonly string[] = []): Collected =>
    gauge(registry, { name: `sluice_${name}`, help }, labels);
  return {
    info: node("node_info", "Always 1; version and store are its labels.", ["version", "store"]),
    uptime: node("node_uptime_seconds", "Time since the start of the node."),
    epoch: node("node_epoch", "Epoch of the node: higher after every start."),
    draining: node("node_draining", "1 while the node drains."),
    ready: node("node_ready", "1 while the node is ready, as /readyz says."),
    hold: node("dispatch_hold_seconds", "After a crash: how much longer dispatch waits for analyzers to return."),
    sessions: node("sessions", "Streams of analyzers, those before their hello included."),
    leases: node("leases_in_flight", "Tasks that analyzers work on."),
    oldestWrite: node("store_oldest_write_seconds", "Age of the oldest write that storage has not answered, else 0."),
    used: node("store_used_bytes", "Bytes of the store's files."),
    free: node("store_free_bytes", "Bytes left on the file system of the store."),
  };
}
