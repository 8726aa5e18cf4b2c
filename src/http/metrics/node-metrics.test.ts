import { afterEach, describe, expect, test } from "vitest";
import { parseExposition, type Sample } from "../../../test/support/exposition.ts";
import { analyzerFigures, FakeDistributor, queueFigures } from "../../../test/support/fake-distributor.ts";
import type { AnalyzerFigures, Figures, QueueFigures, ShareFigures, Vitals } from "../../engine/api.ts";
import { Timings } from "../../engine/timings.ts";
import { MAX_METRIC_ANALYZERS, MAX_METRIC_QUEUES, MAX_METRIC_SHARES } from "../limits.ts";
import { NodeMetrics } from "./node-metrics.ts";

/** A node whose figures a test sets. */
class Stage {
  queues: QueueFigures[] = [];
  analyzers: AnalyzerFigures[] = [];
  vitals: Vitals = { isDraining: false, hasFailed: false, oldestCommitMs: 0, timings: new Timings() };
  scrapes = 0;
  readonly metrics = new NodeMetrics({
    distributor: { figures: () => this.#figures(), vitals: () => this.vitals },
    storage: async () => undefined,
  });

  /** All samples of a metric, after a strict reading of everything. */
  async samples(name: string): Promise<readonly Sample[]> {
    return parseExposition(await this.metrics.text()).get(name)?.samples ?? [];
  }

  async #figures(): Promise<Figures> {
    this.scrapes += 1;
    const { node } = await new FakeDistributor().figures("");
    return { node, queues: this.queues, analyzers: this.analyzers };
  }
}

const stages: Stage[] = [];
function stage(): Stage {
  const made = new Stage();
  stages.push(made);
  return made;
}
afterEach(() => {
  for (const { metrics } of stages.splice(0)) metrics[Symbol.dispose]();
});

function share(analyzerId: string, expected: number, observed: number, lead: number): ShareFigures {
  return { analyzerId, weight: 1, expected, observed, lead, delivered: 0, completed: 0, failed: 0 };
}

function valuesBy(label: string, samples: readonly Sample[]): Record<string, number> {
  return Object.fromEntries(samples.map(({ labels, value }) => [labels[label] ?? "", value]));
}

describe("the metrics", () => {
  test("are the figures of the queues", async () => {
    const on = stage();
    on.queues = [queueFigures("a")];
    const shown: [string, number][] = [
      ["sluice_tasks_submitted_total", 1],
      ["sluice_deliveries_total", 2],
      ["sluice_tasks_completed_total", 3],
      ["sluice_attempts_retried_total", 4],
      ["sluice_tasks_failed_total", 5],
      ["sluice_tasks_cancelled_total", 6],
      ["sluice_results_stale_total", 7],
      ["sluice_leases_expired_total", 8],
      ["sluice_queue_waiting_bytes", 8],
      ["sluice_queue_head_wait_seconds", 0.009],
      ["sluice_queue_paused", 0],
    ];
    for (const [name, value] of shown)
      expect(await on.samples(name)).toMatchObject([{ labels: { queue: "a" }, value }]);
    expect(valuesBy("state", await on.samples("sluice_queue_tasks"))).toEqual({
      pending: 1,
      scheduled: 2,
      running: 3,
      retrying: 4,
      completed: 5,
      failed: 6,
      cancelled: 7,
    });
  });

  test("are those of the analyzers and their shares, as long as they are there", async () => {
    const on = stage();
    const gone = { ...analyzerFigures("a3", []), state: "GONE" as const };
    on.analyzers = [analyzerFigures("a1", ["q"]), { ...analyzerFigures("a2", ["q"]), state: "DRAINING" }, gone];
    on.queues = [
      {
        ...queueFigures("q"),
        shares: [share("a1", 0.75, 0.7, -2.5), share("a2", 0.25, 0.3, 2.5), share("a3", 0, 0, 0)],
      },
    ];
    expect(valuesBy("state", await on.samples("sluice_analyzers"))).toEqual({ attached: 1, draining: 1, detached: 0 });
    expect(valuesBy("analyzer", await on.samples("sluice_analyzer_in_flight"))).toEqual({ a1: 2, a2: 2 });
    expect(valuesBy("analyzer", await on.samples("sluice_analyzer_credit"))).toEqual({ a1: 1, a2: 1 });
    expect(valuesBy("analyzer", await on.samples("sluice_analyzer_silence_seconds"))).toEqual({ a1: 0.005, a2: 0.005 });
    expect(valuesBy("analyzer", await on.samples("sluice_share_expected_ratio"))).toEqual({ a1: 0.75, a2: 0.25 });
    expect(valuesBy("analyzer", await on.samples("sluice_share_observed_ratio"))).toEqual({ a1: 0.7, a2: 0.3 });
    expect(valuesBy("analyzer", await on.samples("sluice_share_lead_tasks"))).toEqual({ a1: -2.5, a2: 2.5 });
    expect(await on.samples("sluice_queue_analyzers")).toMatchObject([{ value: 2 }]);
    on.analyzers = [];
    on.queues = [queueFigures("q")];
    expect(await on.samples("sluice_analyzer_in_flight")).toEqual([]);
    expect(await on.samples("sluice_share_lead_tasks")).toEqual([]);
  });

  test("have histograms in seconds of what the engine has counted in milliseconds", async () => {
    const on = stage();
    const timings = new Timings();
    on.vitals = { ...on.vitals, timings };
    for (const ms of [0.5, 3, 3, 7_200_000]) timings.wait.observe(ms);
    const samples = await on.samples("sluice_task_wait_seconds");
    const buckets = valuesBy(
      "le",
      samples.filter(({ name }) => name.endsWith("_bucket")),
    );
    expect(buckets).toMatchObject({ "0.001": 1, "0.0025": 1, "0.005": 3, "3600": 3, "+Inf": 4 });
    expect(samples.find(({ name }) => name.endsWith("_sum"))?.value).toBeCloseTo(7200.0065);
    expect(samples.find(({ name }) => name.endsWith("_count"))?.value).toBe(4);
  });

  test("say whether the node is ready", async () => {
    const on = stage();
    expect(await on.samples("sluice_node_ready")).toMatchObject([{ value: 1 }]);
    on.vitals = { ...on.vitals, oldestCommitMs: 6000 };
    expect(await on.samples("sluice_node_ready")).toMatchObject([{ value: 0 }]);
    expect(await on.samples("sluice_store_oldest_write_seconds")).toMatchObject([{ value: 6 }]);
  });

  test("are asked for once by those who scrape at the same time", async () => {
    const on = stage();
    const [first, second] = await Promise.all([on.metrics.text(), on.metrics.text()]);
    expect(second).toBe(first);
    expect(on.scrapes).toBe(1);
    await on.metrics.text();
    expect(on.scrapes).toBe(2);
  });
});

describe("of very many", () => {
  const ids = Array.from({ length: 1000 }, (_, index) => `analyzer-${String(index).padStart(4, "0")}`);

  test("analyzers most are added up as other, so that series stay few", async () => {
    const on = stage();
    on.analyzers = ids.map((id) => analyzerFigures(id, ["q", "r"]));
    const shares = ids.map((id) => share(id, 0.001, 0.002, 1));
    on.queues = [
      { ...queueFigures("q"), shares },
      { ...queueFigures("r"), shares },
    ];
    const inFlight = valuesBy("analyzer", await on.samples("sluice_analyzer_in_flight"));
    expect(Object.keys(inFlight)).toHaveLength(MAX_METRIC_ANALYZERS + 1);
    expect(inFlight["other"]).toBe(2 * (ids.length - MAX_METRIC_ANALYZERS));
    const expected = await on.samples("sluice_share_expected_ratio");
    expect(expected.length).toBeLessThanOrEqual(MAX_METRIC_SHARES + 2);
    const perQueue = expected
      .filter(({ labels }) => labels["queue"] === "r")
      .reduce((sum, { value }) => sum + value, 0);
    expect(perQueue).toBeCloseTo(1);
    const lines = (await on.metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(lines.length).toBeLessThan(1200);
  });

  test("analyzers those that have series keep them, and a place that gets free is given on (B1)", async () => {
    const on = stage();
    on.analyzers = ids.slice(500).map((id) => analyzerFigures(id, []));
    const before = Object.keys(valuesBy("analyzer", await on.samples("sluice_analyzer_credit")));
    // Others come, whose names are earlier in the order.
    on.analyzers = ids.map((id) => analyzerFigures(id, []));
    const later = Object.keys(valuesBy("analyzer", await on.samples("sluice_analyzer_credit")));
    expect(later.sort()).toEqual(before.sort());
    on.analyzers = ids.slice(0, 10).map((id) => analyzerFigures(id, []));
    expect(Object.keys(valuesBy("analyzer", await on.samples("sluice_analyzer_credit")))).toEqual(ids.slice(0, 10));
  });

  test("queues most are added up as other, and no counter falls", async () => {
    const on = stage();
    const names = ids.map((id) => id.replace("analyzer", "queue"));
    on.queues = names.map(queueFigures);
    const before = valuesBy("queue", await on.samples("sluice_tasks_submitted_total"));
    expect(Object.keys(before)).toHaveLength(MAX_METRIC_QUEUES + 1);
    expect(before["other"]).toBe(names.length - MAX_METRIC_QUEUES);
    on.queues = ["a-new-queue", ...names].map(queueFigures);
    const after = valuesBy("queue", await on.samples("sluice_tasks_submitted_total"));
    expect(after).toEqual({ ...before, other: (before["other"] ?? 0) + 1 });
  });
});
