/**
 * The sorted list is a sorted list.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Placed, SortedList } from "./sorted-list.ts";

type Change =
  | { readonly kind: "add" | "remove"; readonly position: string }
  | { readonly kind: "takeFirst" }
  | { readonly kind: "truncate"; readonly size: number };

const position = fc.nat({ max: 60 }).map((value) => String(value).padStart(2, "0"));
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("add", "remove"), position }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("takeFirst") }) },
  fc.record({ kind: fc.constant("truncate"), size: fc.nat({ max: 40 }) }),
);

it("does what an array does that is sorted after every change", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200, size: "max" }), (changes) => {
      const list = new SortedList<Placed>();
      let model: string[] = [];
      for (const next of changes) {
        switch (next.kind) {
          case "add":
            list.add({ position: next.position });
            model = [...new Set([...model, next.position])].sort();
            break;
          case "remove":
            expect(list.remove(next.position)).toBe(model.includes(next.position));
            model = model.filter((value) => value !== next.position);
            break;
          case "takeFirst":
            expect(list.takeFirst()?.position).toBe(model.shift());
            break;
          case "truncate":
            list.truncate(next.size);
            model = model.slice(0, next.size);
            break;
        }
        expect(Array.from(list, (item) => item.position)).toEqual(model);
        expect(list.size).toBe(model.length);
        expect(list.at(model.length - 1)?.position).toBe(model.at(-1));
      }
    }),
  );
});

it("replaces an item at the same place", () => {
  const list = new SortedList<Placed & { readonly name: string }>();
  list.add({ position: "1", name: "old" });
  list.add({ position: "1", name: "new" });
  expect([...list]).toEqual([{ position: "1", name: "new" }]);
});
