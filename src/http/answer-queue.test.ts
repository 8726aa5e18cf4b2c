import { TaskService } from "@sluice/client/contract";
import { describe, expect, it } from "vitest";
import { MAX_UNSENT_BYTES } from "../rpc/limits.ts";
import type { AnswerSource, AnswerStream, StreamMethod } from "../rpc/method.ts";
import { AnswerQueue } from "./answer-queue.ts";

/** A source whose events are written down. */
function script(open: (stream: AnswerStream) => void = () => {}): { method: StreamMethod; events: string[] } {
  const events: string[] = [];
  const source: AnswerSource = { room: () => events.push("room"), closed: () => events.push("closed") };
  const method: StreamMethod = {
    kind: "server_streaming",
    desc: TaskService.method.waitTasks,
    open: (_request, stream) => {
      open(stream);
      return source;
    },
  };
  return { method, events };
}

async function texts(queue: AnswerQueue): Promise<string[]> {
  const all: string[] = [];
  for await (const message of queue.messages()) all.push(message.toString());
  return all;
}

describe("a stream of answers", () => {
  it("Q1: gives what was sent before the end, and then ends", async () => {
    const queue = new AnswerQueue();
    const { method, events } = script((stream) => {
      stream.send(Buffer.from("a"));
      stream.send(Buffer.from("b"));
      stream.end();
      stream.send(Buffer.from("too late"));
    });
    queue.begin(method, Buffer.alloc(0));
    expect(await texts(queue)).toEqual(["a", "b"]);
    expect(events).toEqual(["closed"]);
  });

  it("Q1: gives what was sent before an error, and then the error", async () => {
    const queue = new AnswerQueue();
    queue.begin(script((stream) => stream.send(Buffer.from("a"))).method, Buffer.alloc(0));
    const messages = queue.messages();
    expect((await messages.next()).value?.toString()).toBe("a");
    const next = messages.next();
    queue.end(new Error("broken"));
    await expect(next).rejects.toThrow("broken");
  });

  it("ends with what the method throws", async () => {
    const queue = new AnswerQueue();
    const { method } = script(() => {
      throw new Error("refused");
    });
    queue.begin(method, Buffer.alloc(0));
    await expect(texts(queue)).rejects.toThrow("refused");
  });

  it("Q2: tells its source once when nobody reads on, and when it is ended again", async () => {
    const queue = new AnswerQueue();
    const { method, events } = script((stream) => stream.send(Buffer.from("a")));
    queue.begin(method, Buffer.alloc(0));
    for await (const _ of queue.messages()) break;
    queue.end();
    expect(events).toEqual(["closed"]);
  });

  it("Q3: is full at its limit of bytes, and tells its source when there is room again", async () => {
    const queue = new AnswerQueue();
    const { method, events } = script();
    queue.begin(method, Buffer.alloc(0));
    queue.send(Buffer.alloc(MAX_UNSENT_BYTES - 1));
    expect(queue.isFull).toBe(false);
    queue.send(Buffer.alloc(1));
    expect(queue.isFull).toBe(true);
    await queue.messages().next();
    expect(queue.isFull).toBe(false);
    expect(events).toEqual(["room"]);
  });
});
