/**
 * The checker can fail: a sound history passes, and each thing that must never happen is found when it is written into it.
 */
import { describe, expect, it } from "vitest";
import { Checker } from "./checker.ts";
import type { Charge, Finding, HistoryEvent } from "./history.ts";
import { RULES } from "./rules.ts";

const TASK = "t1";
const CRC = 7;

const asked: HistoryEvent = { kind: "asked", atMs: 0, task: TASK, crc: CRC, maxAttempts: 3, timeoutMs: 0 };
const answered: HistoryEvent = { kind: "answered", atMs: 1, task: TASK, code: "OK" };

function delivered(lease: number, attempt: number, analyzer = "a", atMs = lease * 100, crc = CRC): HistoryEvent {
  return { kind: "delivered", atMs, task: TASK, lease, attempt, analyzer, crc };
}

function sent(
  lease: number,
  outcome: "success" | "failure" | "release" = "success",
  analyzer = "a",
  atMs = lease * 100 + 10,
): HistoryEvent {
  return { kind: "sent", atMs, lease, analyzer, outcome };
}

function receipt(lease: number, verdict: "accepted" | "stale" = "accepted", analyzer = "a"): HistoryEvent {
  return { kind: "receipt", atMs: lease * 100 + 20, lease, analyzer, verdict };
}

function ended(change: Partial<Finding> = {}): HistoryEvent {
  const finding: Finding = {
    task: TASK,
    state: "COMPLETED",
    attempts: 0,
    analyzer: "a",
    lease: 1,
    endMs: 115,
    charges: [],
    crc: CRC,
    ...change,
  };
  return { kind: "ended", atMs: 1000, finding };
}

function charge(number: number, code: string, analyzer = "a", startMs = 100, endMs = 150): Charge {
  return { number, analyzer, code, startMs, endMs };
}

function killed(target: string, atMs: number): HistoryEvent {
  return { kind: "fault", atMs, fault: "analyzer killed", target, untilMs: undefined };
}

function rulesBroken(events: readonly HistoryEvent[]): string[] {
  const checker = new Checker();
  for (const event of events) checker.note(event);
  return checker.verdict().violations.map(({ rule }) => rule);
}

const firstLease = [delivered(1, 1), sent(1), receipt(1)];

describe("a sound history", () => {
  const sound: Readonly<Record<string, readonly HistoryEvent[]>> = {
    "of a task that is completed at once": [asked, answered, ...firstLease, ended(), ended({ crc: undefined })],
    "of a submit that was never answered": [asked],
    "of a submit that was refused for a passing reason": [asked, { ...answered, code: "UNAVAILABLE" }],
    "of a task that fails once": [
      asked,
      answered,
      delivered(1, 1),
      sent(1, "failure"),
      receipt(1),
      delivered(2, 2, "b"),
      sent(2, "success", "b"),
      receipt(2, "accepted", "b"),
      ended({ lease: 2, analyzer: "b", attempts: 1, charges: [charge(1, "ERROR")] }),
    ],
    "of a task whose analyzer was killed": [
      asked,
      answered,
      delivered(1, 1),
      killed("a", 120),
      delivered(2, 2, "b"),
      sent(2, "success", "b"),
      receipt(2, "accepted", "b"),
      ended({ lease: 2, analyzer: "b", attempts: 1, charges: [charge(1, "ANALYZER_LOST")] }),
    ],
    "of a task whose node was killed: no charge, same attempt": [
      asked,
      answered,
      delivered(1, 1),
      { kind: "fault", atMs: 110, fault: "node killed", target: "", untilMs: undefined },
      delivered(2, 1, "b"),
      sent(2, "success", "b"),
      receipt(2, "accepted", "b"),
      sent(1, "success", "a", 400),
      receipt(1, "stale"),
      ended({ lease: 2, analyzer: "b" }),
    ],
    "of a result that was sent again after a crash": [
      asked,
      answered,
      delivered(1, 1),
      sent(1),
      { kind: "held", atMs: 300, lease: 1, analyzer: "a", state: "ADOPTED" },
      sent(1),
      receipt(1),
      ended(),
    ],
    "of a lease that was handed back": [
      asked,
      answered,
      delivered(1, 1),
      sent(1, "release"),
      receipt(1),
      delivered(2, 1),
      sent(2),
      receipt(2),
      ended({ lease: 2 }),
    ],
    "of a dead letter": [
      { ...asked, maxAttempts: 1 },
      answered,
      delivered(1, 1),
      sent(1, "failure"),
      receipt(1),
      ended({ state: "FAILED", lease: 0, attempts: 1, charges: [charge(1, "ERROR")] }),
    ],
  };
  it.each(Object.entries(sound))("%s breaks no rule", (_, events) => {
    expect(rulesBroken(events)).toEqual([]);
  });
});

describe("the checker finds", () => {
  const broken: readonly (readonly [what: string, rule: string, events: readonly HistoryEvent[]])[] = [
    ["a task that is gone although it was answered OK", "lost", [asked, answered]],
    ["a task that the node denies", "lost", [asked, answered, { kind: "missing", atMs: 9, task: TASK }]],
    ["a task that never ends", "stuck", [asked, answered, ended({ state: "PENDING", lease: 0, endMs: 0 })]],
    [
      "a task that lives again after its ending",
      "stuck",
      [asked, answered, ...firstLease, ended(), ended({ state: "PENDING" })],
    ],
    ["a task that nobody submitted", "phantom", [...firstLease, ended()]],
    ["a refusal of a sound task", "submit refused", [asked, { ...answered, code: "ALREADY_EXISTS" }]],
    ["two endings", "two endings", [asked, answered, ...firstLease, ended(), ended({ endMs: 300 })]],
    [
      "another payload at the analyzer",
      "other content",
      [asked, answered, delivered(1, 1, "a", 100, 8), sent(1), receipt(1), ended()],
    ],
    ["another payload at the node", "other content", [asked, answered, ...firstLease, ended({ crc: 8 })]],
    [
      "a delivery after the ending",
      "delivered after its ending",
      [asked, answered, ...firstLease, delivered(2, 1, "b"), ended()],
    ],
    ["an ending by a lease that nobody had", "ending without its lease", [asked, answered, ended()]],
    [
      "an ending by a result that was a failure",
      "ending without its lease",
      [asked, answered, delivered(1, 1), sent(1, "failure"), ended()],
    ],
    [
      "an ending by a result that was told stale",
      "ending without its lease",
      [asked, answered, delivered(1, 1), sent(1), receipt(1, "stale"), ended()],
    ],
    [
      "an ending in the name of another analyzer",
      "ending without its lease",
      [asked, answered, ...firstLease, ended({ analyzer: "b" })],
    ],
    [
      "an accepted success that is not the ending",
      "accepted and forgotten",
      [
        asked,
        answered,
        delivered(1, 1),
        sent(1),
        receipt(1),
        delivered(2, 1, "b"),
        sent(2, "success", "b"),
        ended({ lease: 2, analyzer: "b" }),
      ],
    ],
    [
      "a result that was accepted while another lease lived",
      "two leases live",
      [
        asked,
        answered,
        delivered(1, 1),
        delivered(2, 1, "b"),
        sent(1, "failure", "a", 250),
        receipt(1),
        ended({ lease: 2, analyzer: "b" }),
      ],
    ],
    [
      "an attempt that counts back",
      "wrong attempt",
      [asked, answered, delivered(1, 2), delivered(2, 1), sent(2), receipt(2), ended({ lease: 2 })],
    ],
    [
      "a charge too many",
      "wrong attempt",
      [asked, answered, ...firstLease, ended({ attempts: 1, charges: [charge(1, "ERROR")] })],
    ],
    [
      "a dead letter with attempts left",
      "wrong attempt",
      [
        asked,
        answered,
        delivered(1, 1),
        sent(1, "failure"),
        receipt(1),
        ended({ state: "FAILED", lease: 0, attempts: 1, charges: [charge(1, "ERROR")] }),
      ],
    ],
    ["a task that nobody cancelled", "wrong attempt", [asked, answered, ended({ state: "CANCELLED", lease: 0 })]],
    [
      "an attempt that was charged twice",
      "wrong attempt",
      [
        { ...asked, maxAttempts: 2 },
        answered,
        delivered(1, 1),
        sent(1, "failure"),
        receipt(1),
        ended({ state: "FAILED", lease: 0, attempts: 2, charges: [charge(1, "E"), charge(1, "E")] }),
      ],
    ],
    [
      "a charge for an analyzer to whom nothing had happened",
      "charged without a cause",
      [
        asked,
        answered,
        delivered(1, 1),
        killed("b", 120),
        delivered(2, 2, "b"),
        sent(2, "success", "b"),
        ended({ lease: 2, analyzer: "b", attempts: 1, charges: [charge(1, "ANALYZER_LOST")] }),
      ],
    ],
    [
      "a charge for a pause of the node",
      "charged without a cause",
      [
        asked,
        answered,
        delivered(1, 1),
        { kind: "fault", atMs: 100, fault: "node paused", target: "", untilMs: 140 },
        delivered(2, 2, "b"),
        sent(2, "success", "b"),
        ended({ lease: 2, analyzer: "b", attempts: 1, charges: [charge(1, "ANALYZER_LOST")] }),
      ],
    ],
    [
      "a timeout of a task without one",
      "charged without a cause",
      [
        asked,
        answered,
        delivered(1, 1),
        delivered(2, 2),
        sent(2),
        ended({ lease: 2, attempts: 1, charges: [charge(1, "TIMEOUT")] }),
      ],
    ],
    [
      "a failure that nobody sent",
      "charged without a cause",
      [
        asked,
        answered,
        delivered(1, 1),
        delivered(2, 2),
        sent(2),
        ended({ lease: 2, attempts: 1, charges: [charge(1, "ERROR")] }),
      ],
    ],
    [
      "a failure that was accepted and not charged",
      "failure not charged",
      [asked, answered, delivered(1, 1), sent(1, "failure"), receipt(1), delivered(2, 1), sent(2), ended({ lease: 2 })],
    ],
    [
      "a lease that was given out twice",
      "contradiction",
      [asked, answered, delivered(1, 1), delivered(1, 1, "b"), sent(1), receipt(1), ended()],
    ],
    [
      "a receipt that says both",
      "contradiction",
      [asked, answered, delivered(1, 1), sent(1), receipt(1), receipt(1, "stale"), ended()],
    ],
    ["a receipt for nothing", "contradiction", [asked, answered, delivered(1, 1), receipt(1), sent(1), ended()]],
    [
      "a receipt that goes astray",
      "contradiction",
      [asked, answered, delivered(1, 1), sent(1), receipt(1, "accepted", "b"), ended()],
    ],
  ];
  it.each(broken)("%s", (_, rule, events) => {
    expect(rulesBroken(events)).toContain(rule);
  });

  it("by every rule that there is", () => {
    const shown = new Set(broken.map(([, rule]) => rule));
    expect(Object.keys(RULES).filter((rule) => !shown.has(rule))).toEqual([]);
  });
});

it("the checker counts what happened", () => {
  const checker = new Checker();
  for (const event of [asked, answered, ...firstLease, killed("a", 5)]) checker.note(event);
  expect(checker.open).toBe(1);
  checker.note(ended());
  expect(checker.open).toBe(0);
  expect(checker.verdict().tally).toEqual({
    asked: 1,
    accepted: 1,
    deliveries: 1,
    results: 1,
    receiptsAccepted: 1,
    receiptsStale: 0,
    adopted: 0,
    endings: { COMPLETED: 1 },
    charges: {},
    faults: { "analyzer killed": 1 },
  });
});
