/**
 * The fairness table gives the tags that `StartTags` gives, whatever it forgets in between (K2).
 */
import { rmSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { StartTags } from "../../core/fairness.ts";
import { MAX_FAIRNESS_KEYS } from "../admission.ts";
import { temporaryDirectory } from "../testing/lmdb-test-store.ts";
import { Environment } from "./environment.ts";
import { FairnessTable } from "./fairness-table.ts";
import { prefixRange } from "./keys.ts";
import { QueueTable } from "./queue-table.ts";

const directory = temporaryDirectory();
const environment = new Environment(directory);
const { fair } = environment.tables;
afterAll(async () => {
  await environment.close();
  rmSync(directory, { recursive: true });
});

function emptyTable() {
  for (const { key } of [...fair.range(prefixRange("", undefined, false))]) fair.remove(key);
  const queues = new QueueTable(environment.tables.queues);
  const queue = queues.get("q") ?? queues.create("q");
  if (queue === undefined) throw new Error("no queue");
  queue.dispatchedTags.fill(0);
  queue.fairnessKeys.fill(0);
  return { queues, queue, table: new FairnessTable(fair, queues) };
}

const recorded = (): number => [...fair.range(prefixRange("", undefined, false))].length;

const move = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("start"),
      key: fc.constantFrom("", "a", "b", "ü"),
      weight: fc.constantFrom(0.5, 1, 3),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("dispatch"), ahead: fc.nat({ max: 3 }) }) },
  fc.record({ kind: fc.constant("sweep"), limit: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("flush") }),
  fc.record({ kind: fc.constant("restart") }),
);

describe("the fairness table", () => {
  it("gives the tags of StartTags over sweeps and restarts", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60, size: "max" }), (moves) => {
        const { queues, queue, ...made } = emptyTable();
        let { table } = made;
        const model = new StartTags();
        for (const next of moves) {
          if (next.kind === "start") {
            expect(table.startTag(queue, 4, next.key, next.weight)).toBe(model.start(next.key, next.weight));
          } else if (next.kind === "dispatch") {
            const tag = (queue.dispatchedTags[4] ?? 0) + next.ahead;
            queue.dispatched(4, tag);
            model.advance(tag);
          } else if (next.kind === "sweep") {
            table.sweep(next.limit);
          } else {
            table.flush();
            if (next.kind === "restart") table = new FairnessTable(fair, queues);
          }
        }
        table.flush();
        expect(recorded()).toBe(queue.fairnessKeys[4]);
      }),
    );
  });

  it("forgets keys that V has caught up with, a few at a time", () => {
    const { queue, table } = emptyTable();
    for (let n = 0; n < 10; n++) table.startTag(queue, 4, `k${n}`, n < 7 ? 1 : 0.5);
    queue.dispatched(4, 1);
    for (const expected of [6, 3, 3, 3]) {
      table.sweep(4);
      expect(recorded()).toBe(expected);
    }
  });

  it("puts keys beyond its limit with those that have none, in memory and on disk", () => {
    const { queue, table } = emptyTable();
    for (let n = 0; n < MAX_FAIRNESS_KEYS; n++) expect(table.startTag(queue, 4, `k${n}`, 1)).toBe(0);
    expect([0, 1, 2].map((n) => table.startTag(queue, 4, `more${n}`, 1))).toEqual([0, 1, 2]);
    expect(table.startTag(queue, 4, "k17", 1)).toBe(1);
    table.flush();
    expect(recorded()).toBe(MAX_FAIRNESS_KEYS + 1);
    queue.dispatched(4, 1);
    table.sweep(MAX_FAIRNESS_KEYS);
    expect(table.startTag(queue, 4, "more0", 1)).toBe(1);
  });
});
