import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AnalyzerState, GetStatsResponseSchema } from "@sluice/client/contract";
import { describe, expect, it } from "vitest";
import { paletteFor } from "../output/colour.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { statsReport } from "./report.ts";

const plain = paletteFor(collectingTerminal().out, {});
const NODE = { version: "0.1.0", uptimeMs: 61_000, store: "lmdb", epoch: 3, sessions: 1, leases: 4 };

function look(init: MessageInitShape<typeof GetStatsResponseSchema>, atMs = 0) {
  return { stats: create(GetStatsResponseSchema, init), atMs };
}

describe("the report of the figures", () => {
  it("says what to expect of a node that has nothing yet", () => {
    expect(statsReport(look({ node: NODE }), undefined, plain)).toEqual([
      "sluice 0.1.0, up 1m 1s, store lmdb, epoch 3, 1 session, 4 leases",
      "",
      "no queues to show: the first submit or analyzer creates one",
    ]);
  });

  it("says that a node drains, or holds dispatch", () => {
    const [line] = statsReport(look({ node: { ...NODE, draining: true, holdMs: 3200 } }), undefined, plain);
    expect(line).toContain("draining, dispatch held for 3.2s");
  });

  it("shows queues, and who gets what of each", () => {
    const share = {
      analyzerId: "a1",
      weight: 0.4,
      expected: 0.4,
      observed: 0.398,
      lead: -0.5,
      delivered: 12,
      completed: 8,
    };
    const lines = statsReport(
      look({
        node: NODE,
        queues: [{ name: "logs", settings: { paused: true }, counts: { pending: 1234 }, shares: [share] }],
        analyzers: [{ id: "a1", state: AnalyzerState.ATTACHED, credit: 1, inFlight: 3 }],
      }),
      undefined,
      plain,
    );
    expect(lines.find((line) => line.startsWith("logs (paused)"))).toMatch(/\b1,234\b/);
    expect(lines).toContain("logs: shares");
    expect(lines.at(-1)?.split(/ {2,}/)).toEqual(
      ["a1", "attached", "0.4", "40.0%", "39.8%", "-0.5", "1", "3", "12", "8", "0"], //
    );
  });

  it("shows rates between two looks, and none below zero when the node was started again", () => {
    const totals = (submitted: number, completed: number) => ({
      queues: [{ name: "q", totals: { submitted, completed } }],
    });
    const earlier = look(totals(100, 50), 1000);
    const row = statsReport(look(totals(300, 20), 3000), earlier, plain).at(-1);
    expect(row?.split(/ {2,}/).slice(-2)).toEqual(["100", "0"]);
  });
});
