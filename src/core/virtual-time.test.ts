import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_TURN_DELIVERIES } from "./limits.ts";
import { VirtualTime } from "./virtual-time.ts";

test("the time starts at 0 and only goes up (T1)", () => {
  const time = new VirtualTime();
  expect(time.now).toBe(0);
  time.raise(3);
  expect(time.now).toBe(3);
  time.raise(1);
  expect(time.now).toBe(3);
  time.raise(4.5);
  expect(time.now).toBe(4.5);
});

test("undoing takes back one raise after the other, those without effect too (T1)", () => {
  const time = new VirtualTime();
  for (const pass of [3, 1, 5]) time.raise(pass);
  time.undo();
  expect(time.now).toBe(3);
  time.undo();
  expect(time.now).toBe(3);
  time.undo();
  expect(time.now).toBe(0);
  time.undo();
  expect(time.now).toBe(0);
});

test("raises after an undo can be undone as well", () => {
  const passes = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 30 });
  fc.assert(
    fc.property(passes, passes, fc.nat(30), (before, after, undone) => {
      const time = new VirtualTime();
      const seen = [0];
      for (const pass of before) seen.push(Math.max(seen.at(-1) ?? 0, pass));
      for (const pass of before) time.raise(pass);
      const count = Math.min(undone, before.length);
      for (let i = 0; i < count; i++) time.undo();
      const kept = seen.slice(0, seen.length - count);
      expect(time.now).toBe(kept.at(-1));
      for (const pass of after) time.raise(pass);
      for (let i = 0; i < after.length; i++) time.undo();
      for (const expected of kept.reverse()) {
        expect(time.now).toBe(expected);
        time.undo();
      }
      expect(time.now).toBe(0);
    }),
  );
});

test("as many raises as a turn can choose can be undone, and no more (T2)", () => {
  const time = new VirtualTime();
  for (let pass = 1; pass <= MAX_TURN_DELIVERIES + 10; pass++) time.raise(pass);
  for (let i = 0; i < MAX_TURN_DELIVERIES; i++) time.undo();
  expect(time.now).toBe(10);
  time.undo();
  expect(time.now).toBe(10);
  time.raise(12);
  time.undo();
  expect(time.now).toBe(10);
});

test("a rebase makes now the origin; what is undone afterwards is still the same distance", () => {
  const time = new VirtualTime();
  time.raise(7);
  time.raise(10);
  expect(time.rebase()).toBe(10);
  expect(time.now).toBe(0);
  time.undo();
  expect(time.now).toBe(-3);
  time.raise(1);
  expect(time.now).toBe(1);
});
