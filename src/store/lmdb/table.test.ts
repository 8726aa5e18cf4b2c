/**
 * T1 of tables: reading sees every write at once, whatever of it is committed.
 */
import { rmSync } from "node:fs";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { temporaryDirectory } from "../testing/lmdb-test-store.ts";
import { Environment } from "./environment.ts";

const directory = temporaryDirectory();
const environment = new Environment(directory, { checkpointEntries: 10 });
afterAll(async () => {
  await environment.close();
  rmSync(directory, { recursive: true });
});

const key = fc
  .array(fc.constantFrom("\0", "a", "b", "\xff"), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(""));
const write = fc.record({
  key,
  value: fc.option(
    fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  ),
});
const read = fc.record({ from: fc.oneof(fc.constant(""), key), to: key, reverse: fc.boolean() });
const move = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("write"), write }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("read"), read }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("commit") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait") }) },
);

it("reads what was written, before, during and after its commit", async () => {
  const { fair: table } = environment.tables;
  const model = new Map<string, Buffer>();
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 60, size: "max" }), async (moves) => {
      let commit = Promise.resolve();
      let isCommitting = false;
      for (const next of moves) {
        if (next.kind === "write") {
          const { key: name, value } = next.write;
          if (value === undefined) {
            table.remove(name);
            model.delete(name);
          } else {
            table.put(name, value);
            model.set(name, value);
          }
          expect(table.get(name)?.join()).toBe(value?.join());
        } else if (next.kind === "read") {
          const { from, to, reverse } = next.read;
          const expected = [...model]
            .filter(([name]) => name >= from && name < to)
            .sort(([a], [b]) => (a < b ? -1 : 1));
          if (reverse) expected.reverse();
          const found = Array.from(table.range({ from, to, reverse }), (entry) => [entry.key, entry.value.join()]);
          expect(found).toEqual(expected.map(([name, value]) => [name, value.join()]));
        } else if (next.kind === "wait") {
          await commit;
        } else if (!isCommitting) {
          isCommitting = true;
          commit = environment.commit().then(() => {
            isCommitting = false;
          });
        }
      }
      await commit;
    }),
    { numRuns: 60 },
  );
});

it("leaves no range open that was not read to its end", async () => {
  const { fair: table } = environment.tables;
  for (let count = 0; count < 500; count++) {
    table.put(`k${count}`, Buffer.of(1));
    if (count % 100 === 0) await environment.commit();
    for (const entry of table.range({ from: "k", to: "l" })) {
      expect(entry.key).toBe("k0");
      break;
    }
  }
  await environment.commit();
});
