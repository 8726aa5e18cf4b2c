/**
 * Conformance: how leases end (S2, S3).
 */
import { describe, expect, it } from "vitest";
import { MAX_HISTORY } from "../../core/limits.ts";
import { ERROR, type MakeStore, NOW_MS, openFixture, RESULT } from "./fixture.ts";

const DELIVERED = { analyzerId: "a1", startMs: NOW_MS + 10, endMs: NOW_MS + 20 };

/** Every transition. */
export function describeTransitions(makeStore: MakeStore): void {
  describe("finish", () => {
    it("COMPLETED keeps the result and who returned it", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "COMPLETED", result: RESULT });
      expect(await fixture.task(1)).toMatchObject({ state: "COMPLETED", result: RESULT, attempts: 0, ...DELIVERED });
      expect(await fixture.counts()).toEqual({ COMPLETED: 1 });
    });

    it("FAILED charges the attempt and keeps the error as a dead letter", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "FAILED", error: ERROR });
      const history = [{ number: 1, error: ERROR, ...DELIVERED }];
      expect(await fixture.task(1)).toMatchObject({ state: "FAILED", attempts: 1, history, ...DELIVERED });
    });

    it("RETRYING charges the attempt and waits", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "RETRYING", dueMs: NOW_MS + 500, error: ERROR });
      const history = [{ number: 1, error: ERROR, ...DELIVERED }];
      const expected = { state: "RETRYING", attempts: 1, dueMs: NOW_MS + 500, history, endMs: 0, analyzerId: "" };
      expect(await fixture.task(1)).toMatchObject(expected);
      expect(await fixture.claimNumbers(1)).toEqual([]);
    });

    it("PENDING charges the attempt only with an error", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "PENDING" });
      expect(await fixture.task(1)).toMatchObject({ state: "PENDING", attempts: 0, history: [] });
      await fixture.runOne({ to: "PENDING", error: ERROR });
      expect(await fixture.task(1)).toMatchObject({ state: "PENDING", attempts: 1, startMs: 0, analyzerId: "" });
      expect(await fixture.claimOne()).toMatchObject({ attempts: 1 });
    });

    it("CANCELLED ends it without a charge", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      await fixture.runOne({ to: "CANCELLED" });
      expect(await fixture.task(1)).toMatchObject({ state: "CANCELLED", attempts: 0, ...DELIVERED });
    });

    it("keeps the last failed attempts, oldest first", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      for (let n = 0; n < MAX_HISTORY + 2; n++) await fixture.runOne({ to: "PENDING", error: ERROR });
      const { history, attempts } = await fixture.task(1);
      expect(attempts).toBe(MAX_HISTORY + 2);
      expect(history.map(({ number }) => number)).toEqual(Array.from({ length: MAX_HISTORY }, (_, n) => n + 3));
    });
  });
}

/** Leases that are not live. */
export function describeStaleLeases(makeStore: MakeStore): void {
  describe("a lease that is not live", () => {
    it("records nothing: the first finish wins, also within one call", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      const { lease } = await fixture.claimOne();
      const completed = { lease, transition: { to: "COMPLETED", result: RESULT }, ...DELIVERED } as const;
      const failed = { lease, transition: { to: "FAILED", error: ERROR }, ...DELIVERED } as const;
      expect(await fixture.store.finish([completed, failed])).toEqual(["accepted", "stale"]);
      expect(await fixture.store.finish([failed])).toEqual(["stale"]);
      expect(await fixture.task(1)).toMatchObject({ state: "COMPLETED", history: [] });
    });

    it("is stale at once, while the first finish is being made durable", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      const { lease } = await fixture.claimOne();
      const finishes = [fixture.finish(lease, { to: "PENDING" }), fixture.finish(lease, { to: "CANCELLED" })];
      expect(await Promise.all(finishes)).toEqual([["accepted"], ["stale"]]);
      expect(await fixture.state(1)).toBe("PENDING");
    });

    it("cannot end a task that was given to somebody else", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      const first = await fixture.runOne({ to: "PENDING", error: ERROR });
      const second = await fixture.claimOne();
      expect(await fixture.finish(first.lease, { to: "COMPLETED", result: RESULT })).toEqual(["stale"]);
      expect(await fixture.task(1)).toMatchObject({ state: "RUNNING", lease: second.lease });
    });

    it("is one that was never given, or is from before a restart", async () => {
      const fixture = await openFixture(makeStore);
      await fixture.insertNumbers([1]);
      const { lease } = await fixture.claimOne();
      expect(await fixture.finish(lease + 1, { to: "CANCELLED" })).toEqual(["stale"]);
      await fixture.restart("crashed");
      expect(await fixture.finish(lease, { to: "CANCELLED" })).toEqual(["stale"]);
      expect(await fixture.state(1)).toBe("PENDING");
    });
  });
}
