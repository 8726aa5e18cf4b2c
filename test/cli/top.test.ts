import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;

beforeAll(() => {
  workshop = new Workshop();
});

afterAll(() => workshop[Symbol.asyncDispose]());

describe("sluice top", { timeout: DEADLINE_MS }, () => {
  it("prints one view where nobody looks", async () => {
    const { address } = await workshop.serve("--store", "memory");
    await workshop.run(["submit", "--queue", "logs", "--random", "--count", "7", "--address", address]);
    const { status, out } = await workshop.run(["top", "--interval", "100ms", "--address", address]);
    expect(status).toBe(0);
    expect(out).toMatch(/^sluice .* store memory, epoch 1, /);
    expect(out).toMatch(/^logs +7 +0 +0 +0 +0 +0 +0 +0 /m);
  });

  it("prints a line of JSON per interval, through an outage of the node", async () => {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const top = workshop.start(["top", "--json", "--interval", "100ms", "--address", address]);
    await top.says(`"problem":"no node at ${address}, trying again"`);
    const { node } = await workshop.serve("--store", "memory", "--port", `${port}`);
    await top.says('"problem":null');
    await top.says('"rates":{}');
    node.kill("SIGKILL");
    await top.says("trying again; the figures are");
    top.kill("SIGINT");
    const { status, out } = await top.ended;
    expect(status).toBe(0);
    for (const line of out.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("time");
  });

  it("says that there is no node when it is to look once", async () => {
    const { status, err } = await workshop.run(["top", "--once", "--address", "127.0.0.1:1"]);
    expect(status).toBe(1);
    expect(err).toContain("no node at 127.0.0.1:1; start one with 'sluice serve'");
  });
});
