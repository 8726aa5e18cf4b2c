import { createServer, type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../test/support/http-rig.ts";
import { HttpRefusal } from "./answers.ts";
import { Bodies } from "./body.ts";

const MAX_BYTES = 1000;
const MAX_HELD_BYTES = 1500;

/** Answers with the size of the body, or with the status of its refusal. */
const server = createServer(async (incoming, answer) => {
  try {
    answer.end(String(await bodies.with(incoming, async (body) => body.length)));
  } catch (error) {
    if (error instanceof HttpRefusal) answer.writeHead(error.status, { connection: "close" }).end(error.message);
  }
});
let bodies: Bodies;

beforeEach(async () => {
  bodies = new Bodies(MAX_BYTES, MAX_HELD_BYTES);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Begins a request that has `bytes` in its body, of which it sends so many. */
function begin(bytes: number, sent: number) {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const outgoing = request({ port, host: "127.0.0.1", method: "POST", headers: { "content-length": bytes } });
  const answer = new Promise<string>((resolve, reject) => {
    outgoing.once("response", (response) => resolve(textOf(response)));
    outgoing.once("error", reject);
  });
  // A test that breaks a request off does not ask for its answer.
  answer.catch(() => {});
  outgoing.flushHeaders();
  outgoing.write(Buffer.alloc(sent));
  return { outgoing, answer };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = `${response.statusCode} `;
  for await (const part of response) text += String(part);
  return text;
}

/** The answer to a small request that comes whole. */
function small(): Promise<string> {
  const { outgoing, answer } = begin(600, 600);
  outgoing.end();
  return answer;
}

describe("the bodies of requests", () => {
  test("are read whole, up to the limit of one", async () => {
    const { outgoing, answer } = begin(MAX_BYTES, MAX_BYTES - 1);
    outgoing.end(Buffer.alloc(1));
    expect(await answer).toBe(`200 ${MAX_BYTES}`);
    expect(await begin(MAX_BYTES + 1, 0).answer).toMatch(/^413 .*raise maxMessageBytes/);
  });

  test("of all callers together are bounded, and what is read through is no longer held", async () => {
    const { outgoing, answer } = begin(MAX_BYTES, MAX_BYTES - 1);
    await eventually(async () => expect(await small()).toMatch(/^503 .*try again/));
    outgoing.end(Buffer.alloc(1));
    expect(await answer).toBe(`200 ${MAX_BYTES}`);
    expect(await small()).toBe("200 600");
  });

  test("of a caller that breaks off are no longer held", async () => {
    const { outgoing } = begin(MAX_BYTES, MAX_BYTES - 1);
    await eventually(async () => expect(await small()).toMatch(/^503 /));
    outgoing.destroy();
    await eventually(async () => expect(await small()).toBe("200 600"));
  });
});
