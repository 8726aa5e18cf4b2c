/** docs/metrics.md, the alerts and the dashboard, against the metrics that a real node exports. */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Analyzer, Emitter } from "@sluice/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { storageFigures } from "../../src/cli/serve/storage-figures.ts";
import { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { temporaryDirectory } from "../../src/store/testing/lmdb-test-store.ts";
import { type Family, parseExposition } from "../support/exposition.ts";
import { serveHttp } from "../support/http-rig.ts";
import { startNode } from "../support/node.ts";

const ROOT = new URL("../../", import.meta.url);
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

const Alerts = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(["critical", "warning", "info"]) }),
          annotations: z.object({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});
const Dashboard = z.object({
  templating: z.object({ list: z.array(z.object({ definition: z.string().optional() })) }),
  panels: z.array(
    z.object({ title: z.string(), type: z.string(), targets: z.array(z.object({ expr: z.string() })).optional() }),
  ),
});

const alerts = Alerts.parse(parse(read("deploy/prometheus/alerts.yaml"))).groups.flatMap(({ rules }) => rules);
const dashboard = Dashboard.parse(JSON.parse(read("deploy/grafana/sluice.json")));
/** Labels that Prometheus itself adds. */
const ADDED_LABELS = ["instance", "job", "le"];

let text = "";
let families: ReadonlyMap<string, Family>;

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

beforeAll(async () => {
  const directory = temporaryDirectory();
  const node = await startNode({ store: new LmdbStore({ directory }), settings: { drainMs: 0 } });
  const http = await serveHttp(node.engine, { storage: () => storageFigures({ store: "lmdb", dataDir: directory }) });
  const analyzer = new Analyzer({ address: node.address, queues: "q:1", handlers: () => "done" });
  const emitter = new Emitter({ address: node.address });
  await analyzer.start();
  const submitted = await emitter.submit({ queue: "q:1", payload: 1 });
  await submitted.result();
  text = (await http.send("/metrics")).text;
  families = parseExposition(text);
  await emitter.close();
  await analyzer.close();
  await http[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
  expect(node.faults).toEqual([]);
});

afterAll(() => {
  expect(families.size).toBeGreaterThan(30);
});

/** Rows of the page's tables: name, type, labels. */
function documented(): { name: string; type: string; labels: string[] }[] {
  return read("docs/metrics.md")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [, name = "", type = "", labels = ""] = line.split("|").map((cell) => cell.trim());
      return {
        name: name.replaceAll("`", ""),
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label),
      };
    });
}

describe("the page of metrics", () => {
  test("has every metric that is exported with its type and labels, and no other", () => {
    const exported = [...families.values()].map(({ name, type, samples }) => ({
      name,
      type,
      labels: Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== "le"),
    }));
    expect(documented().sort(byName)).toEqual(exported.sort(byName));
  });

  function byName(a: { readonly name: string }, b: { readonly name: string }): number {
    return a.name < b.name ? -1 : 1;
  }
});

/** What is wrong with an expression: names and labels that are not exported, brackets that do not close. */
function problemsOf(expression: string): string[] {
  const series = new Set([...families.values()].flatMap(({ name, samples }) => [name, ...samples.map((s) => s.name)]));
  const labels = new Set(
    [...families.values()].flatMap(({ samples }) => samples.flatMap((s) => Object.keys(s.labels))),
  );
  const unquoted = expression.replaceAll(/"[^"]*"/g, '""');
  const names = [...unquoted.matchAll(/\b(?:sluice|process|nodejs)_\w+/g)].map(([name]) => name);
  const lists = [...unquoted.matchAll(/\b(?:by|on|ignoring|without) \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(","),
  );
  const matchers = [...unquoted.matchAll(/(\w+)\s*(?:=~|!~|!=|=)""/g)].map(([, label = ""]) => label);
  const isKnown = (label: string) => labels.has(label) || ADDED_LABELS.includes(label);
  return [
    ...names.filter((name) => !series.has(name)),
    ...[...lists, ...matchers].map((label) => label.trim()).filter((label) => !isKnown(label)),
    ...(unquoted.split("(").length === unquoted.split(")").length ? [] : ["brackets"]),
    ...(names.length > 0 || unquoted.includes("up{") ? [] : ["no metric"]),
  ];
}

describe("the alerts", () => {
  test("ask only for metrics and labels that a node exports", () => {
    expect(alerts.length).toBeGreaterThan(8);
    for (const { alert, expr } of alerts)
      expect({ alert, problems: problemsOf(expr) }).toEqual({ alert, problems: [] });
  });

  test("say each what has happened and what to do", () => {
    for (const { annotations } of alerts) {
      expect(annotations.summary.length).toBeGreaterThan(20);
      expect(annotations.description.length).toBeGreaterThan(20);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  test("would be found out if they asked for something else", () => {
    expect(problemsOf("rate(sluice_nothing_total[5m]) > 0")).toEqual(["sluice_nothing_total"]);
    expect(problemsOf('sum by (tenant) (sluice_queue_tasks{colour="red"})')).toEqual(["tenant", "colour"]);
    expect(problemsOf("rate(sluice_deliveries_total[5m]")).toEqual(["brackets"]);
  });
});

describe("the dashboard", () => {
  test("asks only for metrics and labels that a node exports", () => {
    const panels = dashboard.panels.filter(({ type }) => type !== "row");
    expect(panels.length).toBeGreaterThan(15);
    for (const { title, targets = [] } of panels) {
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr } of targets) expect({ title, problems: problemsOf(expr) }).toEqual({ title, problems: [] });
    }
    for (const { definition } of dashboard.templating.list) {
      if (definition !== undefined) expect(problemsOf(definition)).toEqual([]);
    }
  });

  test("shows every metric that is about queues, shares or times", () => {
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(" ");
    const missing = [...families.keys()].filter(
      (name) => /_(total|ratio|tasks|seconds)$/.test(name) && !shown.includes(name),
    );
    expect(missing.sort()).toEqual([
      "process_start_time_seconds",
      "sluice_analyzer_silence_seconds",
      "sluice_dispatch_hold_seconds",
      "sluice_node_uptime_seconds",
      "sluice_store_oldest_write_seconds",
    ]);
  });
});

// promtool comes with the package prometheus of most systems. The tests above say nearly the same without it.
describe.runIf(hasPromtool)("promtool, where it is installed", () => {
  test("finds nothing to say about the metrics", () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.each([
    ["check", "alerts.yaml"],
    ["test", "alerts.test.yaml"],
  ])("is content to %s the rules in %s", (verb, file) => {
    const cwd = fileURLToPath(new URL("deploy/prometheus/", ROOT));
    const { status, stdout } = spawnSync("promtool", [verb, "rules", file], { cwd, encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("SUCCESS") });
  });
});

describe("the reader of these tests", () => {
  test.each([
    ["a sample without its metric", "a_total 1\n"],
    ["a metric without help", "# TYPE a gauge\na 1\n"],
    ["a counter without _total", "# HELP a A.\n# TYPE a counter\na 1\n"],
    ["a gauge with _total", "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n"],
    ["milliseconds", "# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n"],
    ["a series twice", '# HELP a A.\n# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n'],
    ["series with different labels", '# HELP a A.\n# TYPE a gauge\na{b="1"} 1\na{c="1"} 2\n'],
    ["a label that is not quoted", "# HELP a A.\n# TYPE a gauge\na{b=1} 1\n"],
    ["a value that is none", "# HELP a A.\n# TYPE a gauge\na x\n"],
    ["a negative count", "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n"],
    ["no end of the last line", "# HELP a A.\n# TYPE a gauge\na 1"],
    [
      "a histogram whose buckets fall",
      '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
    ["a histogram without an end", '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  ])("refuses %s", (_what, exposition) => {
    expect(() => parseExposition(exposition)).toThrow();
  });

  test("reads what is in order, with everything that a label may have in it", () => {
    const exposition = '# HELP a_total A "thing".\n# TYPE a_total counter\na_total{b="x\\"\\\\\\n{,}"} 1e3\n';
    expect(parseExposition(exposition).get("a_total")?.samples).toEqual([
      { name: "a_total", labels: { b: 'x"\\\n{,}' }, value: 1000 },
    ]);
  });
});
