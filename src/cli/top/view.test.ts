import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AnalyzerState, GetStatsResponseSchema, NodeSchema } from "@sluice/client/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paletteFor, visibleLength } from "../output/colour.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { NO_FIGURES, withLook } from "./figures.ts";
import { topJson } from "./json.ts";
import { topView } from "./view.ts";

const { out } = collectingTerminal();
const plain = paletteFor(out, {});
const coloured = paletteFor({ ...out, isTerminal: true }, {});
const EVERYTHING = { columns: 200, rows: Number.POSITIVE_INFINITY };
const NODE = { version: "0.1.0", uptimeMs: 61_000, store: "lmdb", epoch: 3, sessions: 2, leases: 4 };

type Stats = MessageInitShape<typeof GetStatsResponseSchema>;

function look({ node = NODE, ...rest }: Stats, atMs = 0) {
  return { stats: create(GetStatsResponseSchema, { node: create(NodeSchema, node), ...rest }), atMs };
}

function queue(name: string, analyzers: readonly string[] = []) {
  const shares = analyzers.map((analyzerId) => ({ analyzerId, weight: 1, expected: 0.5, observed: 0.25, lead: -2 }));
  return { name, counts: { pending: 1234, running: 5 }, headWaitMs: 2500, shares };
}

function attached(id: string) {
  return { id, state: AnalyzerState.ATTACHED, credit: 1, inFlight: 3, lastFrameMs: 120 };
}

describe("the view of a node", () => {
  it("shows node, queues, and shares as bars", () => {
    const { look: now } = withLook(NO_FIGURES, look({ queues: [queue("logs", ["a1"])], analyzers: [attached("a1")] }));
    const lines = topView({ ...NO_FIGURES, look: now }, EVERYTHING, plain, "q ends");
    expect(lines.slice(0, 3)).toEqual([
      "sluice 0.1.0, up 1m 1s, store lmdb, epoch 3, 2 sessions, 4 leases",
      "q ends",
      "",
    ]);
    expect(lines[4]?.split(/ {2,}/)).toEqual(["logs", "1,234", "5", "0", "0", "0", "0", "-", "-", "2.5s"]);
    expect(lines.at(-1)?.split(/ {2,}/)).toEqual(
      ["a1", "attached", "1", "50.0%", "25.0%", `${"#".repeat(20)}${"-".repeat(19)}|`, "-2.0", "1", "3", "120ms ago"], //
    );
  });

  it("shows tasks in and out per second between two looks of the same start of the node, and none across a restart", () => {
    const totals = (submitted: number, completed: number, epoch: number, atMs: number) =>
      look({ node: { ...NODE, epoch }, queues: [{ name: "q", totals: { submitted, completed } }] }, atMs);
    const rates = (figures: typeof NO_FIGURES) =>
      topView(figures, EVERYTHING, plain, "").at(-1)?.split(/ {2,}/).slice(7, 9);
    const first = withLook(NO_FIGURES, totals(100, 50, 1, 0));
    const second = withLook(first, totals(300, 90, 1, 2000));
    const restarted = withLook(second, totals(10, 5, 2, 4000));
    expect([first, second, restarted].map(rates)).toEqual([
      ["-", "-"],
      ["100", "20"],
      ["-", "-"],
    ]);
  });

  it("says that the node is away, and goes on showing what was known", () => {
    const known = withLook(NO_FIGURES, look({ queues: [queue("logs")] }));
    const lines = topView({ ...known, problem: "no node at a:1, trying again" }, EVERYTHING, plain, "q ends");
    expect(lines[1]).toBe("no node at a:1, trying again");
    expect(lines.at(-1)).toMatch(/^logs /);
    expect(topView({ ...NO_FIGURES, problem: "no node" }, EVERYTHING, plain, "")).toEqual(["no node"]);
  });

  it("marks a paused queue, and puts analyzers that are gone last", () => {
    const analyzers = [{ id: "a1", state: AnalyzerState.GONE }, attached("a2")];
    const paused = { ...queue("logs", ["a1", "a2"]), settings: { paused: true } };
    const lines = topView(withLook(NO_FIGURES, look({ queues: [paused], analyzers })), EVERYTHING, plain, "");
    expect(lines[3]).toMatch(/^logs \(paused\) /);
    expect(lines.slice(-2).map((line) => line.split(" ")[0])).toEqual(["a2", "a1"]);
  });

  it("V1: counts what has no room", () => {
    const ids = Array.from({ length: 30 }, (_, index) => `a${index}`);
    const queues = Array.from({ length: 30 }, (_, index) => queue(`q${index}`, index === 0 ? ids : []));
    const figures = withLook(NO_FIGURES, look({ queues, analyzers: ids.map(attached) }));
    const lines = topView(figures, { columns: 100, rows: 24 }, plain, "q ends");
    expect(lines.length).toBe(24);
    expect(lines.filter((line) => /^q\d+ /.test(line))).toHaveLength(8);
    expect(lines).toContain("... and 22 more queues; --queue NAME shows one");
    const shown = lines.filter((line) => /^a\d/.test(line)).length;
    expect(shown).toBeGreaterThan(4);
    expect(lines.at(-1)).toBe(`... and ${30 - shown} more shares; a higher window or --queue NAME shows them`);
  });

  it("V1: fits every window", () => {
    const names = fc.array(fc.stringMatching(/^[a-z]{1,60}$/), { maxLength: 12 });
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(names, names, size, (queueNames, ids, { columns, rows }) => {
        const queues = queueNames.map((name) => queue(name, ids));
        const figures = withLook(NO_FIGURES, look({ queues, analyzers: ids.map(attached) }));
        const lines = topView({ ...figures, problem: "no node" }, { columns, rows }, coloured, "q ends");
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(visibleLength(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe("the view as JSON", () => {
  const time = new Date(0);

  it("is what the node says, with rates", () => {
    const at = (submitted: number, atMs: number) => look({ queues: [{ name: "q", totals: { submitted } }] }, atMs);
    const figures = withLook(withLook(NO_FIGURES, at(0, 0)), at(50, 1000));
    expect(JSON.parse(topJson(figures, time))).toMatchObject({
      time: "1970-01-01T00:00:00.000Z",
      problem: null,
      node: { epoch: 3 },
      queues: [{ name: "q", totals: { submitted: 50 } }],
      rates: { q: { submitted: 50, completed: 0 } },
    });
  });

  it("has no figures while the node is away", () => {
    const figures = { ...withLook(NO_FIGURES, look({})), problem: "no node" };
    expect(JSON.parse(topJson(figures, time))).toEqual({ time: time.toISOString(), problem: "no node", rates: null });
  });
});
