import { describe, expect, it } from "vitest";
import { paletteFor } from "../output/colour.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { startedPort } from "./cluster.ts";
import { type DemoOutcome, findProblems, outcomeJson, outcomeLines } from "./report.ts";
import { shareRows } from "./shares.ts";

const plain = paletteFor(collectingTerminal().out, {});

function outcome(change: Partial<DemoOutcome> = {}, completed: readonly number[] = [400, 300, 200, 100]): DemoOutcome {
  const weights = [0.4, 0.3, 0.2, 0.1];
  const counts = weights.map((weight, index) => ({
    analyzerId: `analyzer-${index + 1}`,
    weight,
    completed: completed[index] ?? 0,
  }));
  return {
    emitters: 10,
    emitted: 1000,
    accepted: 1000,
    completed: 1000,
    failed: 0,
    redelivered: 0,
    elapsedMs: 6000,
    stretches: [{ title: "shares", rows: shareRows(counts) }],
    crash: undefined,
    disorder: [],
    ...change,
  };
}

describe("the judgement of the demo", () => {
  it("finds nothing wrong when every promise was kept", () => {
    expect(findProblems(outcome())).toEqual([]);
  });

  it.each([
    [{ completed: 999 }, "1 accepted tasks were not completed"],
    [{ completed: 1001 }, "1 tasks too many were completed"],
    [{ accepted: 990, completed: 990 }, "10 messages were not accepted"],
    [{ completed: 998, failed: 2 }, "2 tasks became dead letters"],
    [{ disorder: ["the node ended with SIGKILL"] }, "the node ended with SIGKILL"],
  ])("finds %j", (change, problem) => {
    expect(findProblems(outcome(change))).toContain(problem);
  });

  it("allows a share to be off by five points, and no more", () => {
    expect(findProblems(outcome({}, [449, 251, 200, 100]))).toEqual([]);
    expect(findProblems(outcome({}, [452, 248, 200, 100]))).toEqual(["shares: a share is off by 5.2 points"]);
  });
});

describe("the report of the demo", () => {
  it("ends with the shares as they were and as promised", () => {
    const lines = outcomeLines(outcome({}, [410, 290, 200, 100]), [], plain);
    expect(lines).toContain("ANALYZER    WEIGHT  COMPLETED  ACTUAL  EXPECTED  OFF BY");
    expect(lines).toContain("analyzer-1     0.4        410   41.0%     40.0%   +1.0%");
    expect(lines).toContain("analyzer-3     0.2        200   20.0%     20.0%    0.0%");
    expect(lines.at(-1)).toBe("ok: every share within 1.0 points of its weight");
  });

  it("names what went wrong", () => {
    const lost = outcome({ completed: 997 });
    expect(outcomeLines(lost, findProblems(lost), plain)).toContain("failed: 3 accepted tasks were not completed");
    expect(JSON.parse(outcomeJson(lost, findProblems(lost)))).toMatchObject({
      ok: false,
      problems: ["3 accepted tasks were not completed"],
      completed: 997,
    });
  });
});

describe("the line that says that a node serves", () => {
  it("is told from all others", () => {
    expect(startedPort('{"level":"info","event":"node.started","port":7071,"msg":"x"}')).toBe(7071);
    expect(startedPort('{"level":"info","event":"dispatch.begun","epoch":1}')).toBeUndefined();
    expect(startedPort("(node:1) Warning: something")).toBeUndefined();
  });
});
