/** The parts of the scale benches that need no node. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, framed } from "./grpc-frames.ts";
import { parseFileLimits, perConnectionWithin } from "./open-files.ts";
import { tasksOf } from "./payloads.ts";
import { subscriptions } from "./queues.ts";
import { commandNamed, ownNumber } from "./rig.ts";

test("messages are read as they were framed, however the stream is cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 });
  fc.assert(
    fc.property(messages, fc.array(fc.nat(130)), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(framed));
      const reader = new FrameReader();
      const ends = [0, ...cuts.map((cut) => Math.min(cut, stream.length)), stream.length].sort((a, b) => a - b);
      const parts = ends.slice(1).map((end, index) => stream.subarray(ends[index], end));
      const received = parts.flatMap((part) => reader.push(part)).map((message) => [...message]);
      expect(received).toEqual(sent.map((message) => [...message]));
    }),
  );
});

test("limits of open files are read, unlimited ones too", () => {
  const text = (soft: string, hard: string) =>
    `Max processes 1 2 x\nMax open files            ${soft}   ${hard}   files\n`;
  expect(parseFileLimits(text("1024", "524288"))).toEqual({ soft: 1024, hard: 524_288 });
  expect(parseFileLimits(text("1024", "unlimited"))).toEqual({ soft: 1024, hard: Number.POSITIVE_INFINITY });
});

test("streams share connections only as far as they must", () => {
  expect(perConnectionWithin(10_000, 1, 20_000)).toBe(1);
  expect(perConnectionWithin(10_000, 1, 1024)).toBe(13);
  expect(perConnectionWithin(10_000, 100, 20_000)).toBe(100);
});

test("every queue has an analyzer, and none more than it may have", () => {
  const queues = Array.from({ length: 1000 }, (_, index) => `q${index}`);
  const dealt = subscriptions(queues, 16);
  expect(dealt.flat().sort()).toEqual([...queues].sort());
  expect(Math.max(...dealt.map((own) => own.length))).toBeLessThanOrEqual(64);
  expect(subscriptions(["one"], 3)).toEqual([["one"], ["one"], ["one"]]);
});

test("large payloads are fewer", () => {
  expect([16, 1_048_576].map(tasksOf)).toEqual([100_000, 256]);
});

test("the command is the first argument, and numbers are checked", () => {
  const command = { kind: "x", usage: "", run: () => Promise.reject(new Error("not run")) };
  expect(commandNamed({ x: command }, ["x", "--quick"])).toEqual({ command, args: ["--quick"] });
  expect(() => commandNamed({ x: command }, ["y"])).toThrow(/name one of x/);
  expect(ownNumber({}, "waiting", 5, 10)).toBe(5);
  expect(ownNumber({ waiting: "7" }, "waiting", 5, 10)).toBe(7);
  expect(() => ownNumber({ waiting: "11" }, "waiting", 5, 10)).toThrow(/--waiting is '11'/);
});
