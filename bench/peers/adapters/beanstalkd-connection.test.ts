/** beanstalkd's answers, in whatever pieces they arrive; and a connection to a server that is made up. */
import { once } from "node:events";
import { createServer } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Answer, AnswerParser, BeanstalkdConnection } from "./beanstalkd-connection.ts";

const STREAM = "INSERTED 1\r\nRESERVED 7 6\r\na\r\nb\r\n\r\nDELETED\r\nRESERVED 8 0\r\n\r\nTIMED_OUT\r\n";
const ANSWERS = [
  ["INSERTED 1", undefined],
  ["RESERVED 7 6", "a\r\nb\r\n"],
  ["DELETED", undefined],
  ["RESERVED 8 0", ""],
  ["TIMED_OUT", undefined],
];

const inShort = ({ words, body }: Answer) => [words.join(" "), body?.toString()];

test("B2: answers are the same however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
      const parser = new AnswerParser();
      const ends = [0, ...cuts, STREAM.length].sort((a, b) => a - b);
      const parts = ends.slice(1).map((end, index) => STREAM.slice(ends[index], end));
      expect(parts.flatMap((part) => parser.push(Buffer.from(part))).map(inShort)).toEqual(ANSWERS);
    }),
  );
});

test("B1: commands are written together, and each gets its own answer", async () => {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on("data", (part) => {
      received.push(part.toString());
      socket.write("INSERTED 1\r\nINSERTED 2\r\n");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const connection = await BeanstalkdConnection.open(`127.0.0.1:${address.port}`);
  const put = (body: string) =>
    new Promise<Answer>((resolve) => connection.send("put 0 0 60 1", Buffer.from(body), resolve));
  const answers = await Promise.all([put("a"), put("b")]);
  connection.close();
  server.close();
  expect(answers.map(inShort)).toEqual([
    ["INSERTED 1", undefined],
    ["INSERTED 2", undefined],
  ]);
  expect(received.join("")).toBe("put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\n");
});
