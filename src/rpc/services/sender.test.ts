import { expect, test } from "vitest";
import { MAX_NODE_UNSENT_BYTES, MAX_UNSENT_BYTES } from "../limits.ts";
import { Sender, UnsentBytes } from "./sender.ts";

/** A stream that takes messages when the test says so. */
class Stream {
  readonly #taken: (() => void)[] = [];
  rooms = 0;
  readonly sender: Sender;

  constructor(ofNode: UnsentBytes) {
    const write = (_message: Buffer, sent: () => void): void => {
      this.#taken.push(sent);
    };
    this.sender = new Sender({ write }, ofNode, () => {
      this.rooms += 1;
    });
  }

  take(): void {
    this.#taken.shift()?.();
  }
}

const half = Buffer.alloc(MAX_UNSENT_BYTES / 2);

test("a stream is full with so many bytes unsent, and has room when it took some", () => {
  const stream = new Stream(new UnsentBytes());
  expect([stream.sender.send(half), stream.sender.send(half)]).toEqual([true, false]);
  expect(stream.sender.isFull).toBe(true);
  stream.take();
  expect(stream).toMatchObject({ rooms: 1, sender: { isFull: false } });
});

test("when all streams have too much unsent, only one that has nothing unsent has room", () => {
  const ofNode = new UnsentBytes();
  ofNode.add(MAX_NODE_UNSENT_BYTES);
  const stream = new Stream(ofNode);
  expect(stream.sender.send(half)).toBe(false);
  expect(stream.sender.send(half)).toBe(false);
  stream.take();
  expect(stream).toMatchObject({ rooms: 0, sender: { isFull: true } });
  stream.take();
  expect(stream).toMatchObject({ rooms: 1, sender: { isFull: false } });
});

test("a stream that is gone gives back what it had unsent, once", () => {
  const ofNode = new UnsentBytes();
  ofNode.add(MAX_NODE_UNSENT_BYTES - MAX_UNSENT_BYTES);
  const stream = new Stream(ofNode);
  stream.sender.send(half);
  stream.sender.send(half);
  expect(ofNode.isTooMuch).toBe(true);
  stream.sender.close();
  stream.take();
  ofNode.add(MAX_UNSENT_BYTES - 1);
  expect(ofNode.isTooMuch).toBe(false);
  ofNode.add(1);
  expect(ofNode.isTooMuch).toBe(true);
});
