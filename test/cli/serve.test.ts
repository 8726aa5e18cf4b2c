import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runInProcess } from "./in-process.ts";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;

beforeEach(() => {
  workshop = new Workshop();
});

afterEach(() => workshop[Symbol.asyncDispose]());

function events(out: string): string[] {
  const lines = out.trim().split("\n");
  return lines.map((line) => String(JSON.parse(line).event));
}

/** The address of HTTP in the line that says that the node has started. */
function httpOf(out: string): string {
  const started = out.split("\n").find((line) => line.includes('"event":"node.started"')) ?? "{}";
  return `http://${JSON.parse(started).http}`;
}

describe("sluice serve", { timeout: DEADLINE_MS }, () => {
  it.each(["SIGTERM", "SIGINT"] as const)("stops in order on %s and keeps its tasks", async (signal) => {
    const first = await workshop.serve();
    const id = (await workshop.run(["submit", "--payload", "1", "--address", first.address])).out.trim();
    first.node.kill(signal);
    const { status, out } = await first.node.ended;
    expect(status).toBe(0);
    expect(events(out).slice(-4)).toEqual(["node.stopping", "node.draining", "node.drained", "node.stopped"]);

    const second = await workshop.serve();
    const found = await runInProcess(["tasks", "get", id, "--json", "--address", second.address]);
    expect(JSON.parse(found.out)).toMatchObject({ spec: { id }, state: "TASK_STATE_PENDING" });
  });

  it("stops in order when an operator asks for it", async () => {
    const { node, address } = await workshop.serve("--store", "memory");
    const asked = await runInProcess(["node", "drain", "--address", address]);
    expect(asked).toMatchObject({ status: 0, out: expect.stringContaining("drains") });
    const { status, out } = await node.ended;
    expect(status).toBe(0);
    expect(events(out).slice(-4)).toEqual(["node.stopping", "node.draining", "node.drained", "node.stopped"]);
  });

  it("waits for running tasks before it stops, and ends at once on a second signal", async () => {
    const { node, address } = await workshop.serve("--drain-ms", "60s");
    const worker = workshop.start(["work", "--queue", "q", "--exec", "exec sleep 60", "--address", address]);
    await worker.says("attached to");
    await workshop.run(["submit", "--queue", "q", "--payload", "1", "--address", address]);
    const watch = workshop.start(["stats", "--watch", "--interval", "100ms", "--json", "--address", address]);
    await watch.says('"running":1');
    node.kill("SIGTERM");
    await node.says("node.draining");
    await worker.says("the node stops");
    expect(node.out).not.toContain("node.drained");
    node.kill("SIGTERM");
    expect((await node.ended).status).toBe(143);
  });

  it("hands back what still runs when the drain time is over", async () => {
    const { node, address } = await workshop.serve("--drain-ms", "200");
    const worker = workshop.start(["work", "--queue", "q", "--exec", "exec sleep 60", "--address", address]);
    const submitted = await workshop.run(["submit", "--queue", "q", "--payload", "1", "--address", address]);
    const watch = workshop.start(["stats", "--watch", "--interval", "100ms", "--json", "--address", address]);
    await watch.says('"running":1');
    node.kill("SIGTERM");
    expect((await node.ended).status).toBe(0);
    worker.kill("SIGKILL");
    const again = await workshop.serve();
    const id = submitted.out.trim();
    const found = await runInProcess(["tasks", "get", id, "--json", "--address", again.address]);
    const task: unknown = JSON.parse(found.out);
    expect(task).toMatchObject({ state: "TASK_STATE_PENDING" });
    expect(task).not.toHaveProperty("attempts");
  });

  it("serves HTTP beside gRPC, says where, and answers until a stop is over", async () => {
    const { node, address } = await workshop.serve("--store", "memory", "--drain-ms", "60s");
    const url = httpOf(node.out);
    expect(await (await fetch(`${url}/readyz`)).text()).toBe("ok\n");
    const submit = { method: "POST", headers: { "content-type": "application/json" }, body: '{"queue":"q"}' };
    expect((await fetch(`${url}/tasks`, submit)).status).toBe(201);
    const untilFile = "until [ -e finish ]; do sleep 0.05; done";
    workshop.start(["work", "--queue", "q", "--exec", untilFile, "--address", address]);
    const watch = workshop.start(["stats", "--watch", "--interval", "100ms", "--json", "--address", address]);
    await watch.says('"running":1');
    node.kill("SIGTERM");
    await node.says("node.draining");
    const draining = await fetch(`${url}/readyz`);
    expect([draining.status, await draining.text()]).toEqual([503, "draining\n"]);
    expect(await (await fetch(`${url}/stats`)).json()).toMatchObject({ draining: true, inFlight: 1 });
    writeFileSync(join(workshop.directory, "finish"), "");
    expect((await node.ended).status).toBe(0);
  });

  it("writes down who did what as an operator", async () => {
    const { node } = await workshop.serve("--store", "memory");
    const headers = { "content-type": "application/json", "sluice-operator": "kim" };
    const body = '{"queue":"q"}';
    await fetch(`${httpOf(node.out)}/sluice.v1.AdminService/PauseQueue`, { method: "POST", headers, body });
    await node.says('"action":"queue.pause"');
    const line = node.out.split("\n").find((each) => each.includes("operator.action")) ?? "";
    expect(JSON.parse(line)).toMatchObject({
      level: "info",
      event: "operator.action",
      queue: "q",
      via: "http",
      operator: "kim",
      outcome: "OK",
    });
  });

  it("serves no HTTP when told so", async () => {
    const { node } = await workshop.serve("--store", "memory", "--http-listen", "off");
    expect(node.out).not.toContain('"http":');
  });

  it("refuses an address for HTTP that is taken, and says which setting it is", async () => {
    const { node } = await workshop.serve("--store", "memory");
    const { host } = new URL(httpOf(node.out));
    const { status, out } = await workshop.run(["serve", "--port", "0", "--http-listen", host, "--log-format", "json"]);
    expect(status).toBe(1);
    expect(out).toMatch(/is taken: [^"]*httpListen/);
    // The store is closed again: the data can be used at once.
    expect((await workshop.serve()).address).toMatch(/^127/);
  });

  it("refuses data that another node uses", async () => {
    await workshop.serve();
    const { status, out } = await workshop.run(["serve", "--port", "0", "--log-format", "json"]);
    expect(status).toBe(1);
    expect(out).toMatch(/in use by process \d+/);
    expect(events(out).at(-1)).toBe("node.failed");
  });

  it("refuses a port that is taken", async () => {
    const { address } = await workshop.serve();
    const port = address.split(":")[1] ?? "";
    const { status, out } = await workshop.run(["serve", "--store", "memory", "--port", port, "--log-format", "json"]);
    expect(status).toBe(1);
    expect(out).toContain(`port ${port} on 127.0.0.1 is taken`);
  });
});
