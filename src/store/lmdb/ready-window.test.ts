/**
 * W1 and W2 of the ready window, with a small bound.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { newQueueRecord, QueueState } from "./queue-state.ts";
import { type ReadClaimable, type ReadyEntry, ReadyWindow } from "./ready-window.ts";

const BOUND = 3;

type Change =
  | { readonly kind: "offer" | "withdraw"; readonly position: string }
  | { readonly kind: "take" }
  | { readonly kind: "peek" };

const position = fc.nat({ max: 40 }).map((value) => String(value).padStart(2, "0"));
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("offer"), position }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("withdraw"), position }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("take") }) },
  fc.record({ kind: fc.constant("peek") }),
);

it("gives claimable tasks in order, wherever they come in", () => {
  fc.assert(
    fc.property(fc.array(position), fc.array(change, { maxLength: 120, size: "max" }), (stored, changes) => {
      const queue = new QueueState(0, newQueueRecord("q"));
      // What is claimable, which is also what is on disk here.
      const claimable = new Set(stored);
      const sorted = (): string[] => [...claimable].sort();
      const entry = (where: string): ReadyEntry => ({ position: where, task: where, hasRun: false, queue });
      let longestRead = 0;
      const read: ReadClaimable = function* (_, after) {
        let count = 0;
        for (const where of sorted().filter((other) => other > after)) {
          count += 1;
          longestRead = Math.max(longestRead, count);
          yield entry(where);
        }
      };
      const window = new ReadyWindow(claimable.size === 0);
      for (const next of changes) {
        switch (next.kind) {
          case "offer":
            if (claimable.has(next.position)) break;
            claimable.add(next.position);
            window.offer(entry(next.position), BOUND);
            break;
          case "withdraw":
            if (claimable.delete(next.position)) window.remove(next.position);
            break;
          case "take": {
            const first = sorted()[0];
            expect(window.take(queue, BOUND, read)?.position).toBe(first);
            if (first !== undefined) claimable.delete(first);
            break;
          }
          case "peek":
            expect(window.peek(queue, BOUND, read)?.position).toBe(sorted()[0]);
            break;
        }
        expect(window.size).toBeLessThanOrEqual(2 * BOUND);
      }
      expect(longestRead).toBeLessThanOrEqual(BOUND);
    }),
    { numRuns: 300 },
  );
});
