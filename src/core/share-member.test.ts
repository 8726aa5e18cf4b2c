import { expect, test } from "vitest";
import { byPass, Member } from "./share-member.ts";

test("a member begins attached and without credit, in no heap", () => {
  const member = new Member("a", 0.25, 7, 1000);
  expect(member).toMatchObject({ id: "a", pass: 7, attached: true, eligible: false, idleSinceMs: 1000, heapIndex: -1 });
  expect([member.weight, member.step]).toEqual([0.25, 4]);
  expect(member.seat).toMatchObject({ heapIndex: -1, member });
});

test("a new weight changes the step, unless it is refused", () => {
  const member = new Member("a", 0.25, 0, 0);
  member.weight = 2;
  expect([member.weight, member.step]).toEqual([2, 0.5]);
  expect(() => {
    member.weight = 0;
  }).toThrow("a weight must be a finite number greater than 0, got 0");
  expect([member.weight, member.step]).toEqual([2, 0.5]);
});

test("members are ordered by pass, then by id", () => {
  const members = [
    new Member("c", 1, 1, 0),
    new Member("b", 1, 2, 0),
    new Member("a", 1, 2, 0),
    new Member("d", 1, 0, 0),
  ];
  expect(members.sort(byPass).map(({ id }) => id)).toEqual(["d", "c", "a", "b"]);
});
