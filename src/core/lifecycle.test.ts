import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, isLegalMove } from "./lifecycle.ts";
import type { Outcome, TaskState } from "./task.ts";

const result = { output: new Uint8Array([1]), contentType: "text/plain" };
const error = { code: "OOPS", message: "it broke", details: new Uint8Array() };
const retry = { maxAttempts: 3, initialBackoffMs: 1000, backoffFactor: 2, maxBackoffMs: 60_000 };
const NOW_MS = 1_700_000_000_000;
const half = () => 0.5;

const success: Outcome = { kind: "success", result };
const failure: Outcome = { kind: "failure", error, nonRetryable: false };
const finalFailure: Outcome = { kind: "failure", error, nonRetryable: true };
const lost: Outcome = { kind: "lost", error };
const released: Outcome = { kind: "released" };

function decideAfter(outcome: Outcome, attempts: number) {
  return decide(outcome, { attempts, retry }, false, NOW_MS, half);
}

describe("the end of a lease", () => {
  test("success completes the task, on the last attempt too", () => {
    expect(decideAfter(success, 0)).toEqual({ to: "COMPLETED", result });
    expect(decideAfter(success, 2)).toEqual({ to: "COMPLETED", result });
  });

  test("failure waits out its backoff, which grows with the attempts", () => {
    expect(decideAfter(failure, 0)).toEqual({ to: "RETRYING", dueMs: NOW_MS + 500, error });
    expect(decideAfter(failure, 1)).toEqual({ to: "RETRYING", dueMs: NOW_MS + 1000, error });
  });

  test("failure of the last attempt, or of one too many, is a dead letter", () => {
    expect(decideAfter(failure, 2)).toEqual({ to: "FAILED", error });
    expect(decideAfter(failure, 7)).toEqual({ to: "FAILED", error });
  });

  test("non-retryable failure is a dead letter at once", () => {
    expect(decideAfter(finalFailure, 0)).toEqual({ to: "FAILED", error });
  });

  test("a lost lease returns the task at once and charges the attempt", () => {
    expect(decideAfter(lost, 0)).toEqual({ to: "PENDING", error });
    expect(decideAfter(lost, 1)).toEqual({ to: "PENDING", error });
  });

  test("a task that loses its last attempt is a dead letter", () => {
    expect(decideAfter(lost, 2)).toEqual({ to: "FAILED", error });
  });

  test("a released task returns uncharged however often", () => {
    expect(decideAfter(released, 0)).toStrictEqual({ to: "PENDING" });
    expect(decideAfter(released, 2)).toStrictEqual({ to: "PENDING" });
  });

  test.each([success, failure, finalFailure, lost, released])(
    "$kind of a task to be cancelled cancels it (C2)",
    (outcome) => {
      expect(decide(outcome, { attempts: 0, retry }, true, NOW_MS, half)).toStrictEqual({ to: "CANCELLED" });
    },
  );

  test("with one attempt nothing is retried", () => {
    const task = { attempts: 0, retry: { ...retry, maxAttempts: 1 } };
    expect(decide(failure, task, false, NOW_MS, half)).toEqual({ to: "FAILED", error });
    expect(decide(lost, task, false, NOW_MS, half)).toEqual({ to: "FAILED", error });
  });

  test("is a legal move, and a task that only fails is delivered exactly max attempts times", () => {
    const outcomes = fc.array(fc.constantFrom(failure, lost, released), { maxLength: 300 });
    fc.assert(
      fc.property(outcomes, fc.integer({ min: 1, max: 100 }), (sequence, maxAttempts) => {
        let attempts = 0;
        for (const outcome of sequence) {
          const transition = decide(outcome, { attempts, retry: { ...retry, maxAttempts } }, false, NOW_MS, half);
          expect(isLegalMove("RUNNING", transition.to)).toBe(true);
          if (outcome.kind !== "released") attempts += 1;
          expect("error" in transition).toBe(outcome.kind !== "released");
          expect(transition.to === "FAILED").toBe(attempts >= maxAttempts && outcome.kind !== "released");
          if (transition.to === "FAILED") return;
        }
      }),
    );
  });
});

const STATES: readonly TaskState[] = [
  "PENDING",
  "SCHEDULED",
  "RUNNING",
  "RETRYING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
];

describe("moves between states", () => {
  test("exist as drawn", () => {
    const moves = STATES.flatMap((from) => STATES.filter((to) => isLegalMove(from, to)).map((to) => `${from} ${to}`));
    expect(moves).toEqual([
      "PENDING RUNNING",
      "PENDING CANCELLED",
      "SCHEDULED PENDING",
      "SCHEDULED CANCELLED",
      "RUNNING PENDING",
      "RUNNING RETRYING",
      "RUNNING COMPLETED",
      "RUNNING FAILED",
      "RUNNING CANCELLED",
      "RETRYING PENDING",
      "RETRYING CANCELLED",
      "FAILED PENDING",
      "FAILED SCHEDULED",
      "CANCELLED PENDING",
      "CANCELLED SCHEDULED",
    ]);
  });

  test("lead from every state to an ending, and nowhere from COMPLETED", () => {
    const reachable = (from: TaskState) => {
      const seen = new Set<TaskState>([from]);
      for (const state of seen) for (const to of STATES) if (isLegalMove(state, to)) seen.add(to);
      return seen;
    };
    for (const state of STATES) {
      if (state === "COMPLETED") expect([...reachable(state)]).toEqual(["COMPLETED"]);
      else expect(reachable(state)).toEqual(new Set(STATES));
    }
  });
});
