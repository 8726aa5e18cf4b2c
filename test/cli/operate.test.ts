import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInProcess } from "./in-process.ts";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;
let address: string;

beforeAll(async () => {
  workshop = new Workshop();
  ({ address } = await workshop.serve("--store", "memory"));
}, DEADLINE_MS);

afterAll(() => workshop[Symbol.asyncDispose]());

async function sluice(...args: string[]): Promise<string> {
  const { status, out, err } = await runInProcess([...args, "--address", address]);
  expect(err).toBe("");
  expect(status).toBe(0);
  return out.trim();
}

describe("the operators' commands", { timeout: DEADLINE_MS }, () => {
  it("list, explain, cancel, retry and purge tasks", async () => {
    await workshop.run(["submit", "--queue", "mail", "--random", "--count", "25", "--address", address]);
    expect((await sluice("tasks", "list", "--queue", "mail", "--limit", "30")).split("\n")).toHaveLength(26);
    const first: unknown = JSON.parse(
      (await sluice("tasks", "list", "--queue", "mail", "--json")).split("\n")[0] ?? "",
    );
    expect(first).toMatchObject({ state: "TASK_STATE_PENDING", spec: { queue: "mail", type: "log" } });
    const id = (await sluice("tasks", "list", "--queue", "mail", "--newest")).split("\n")[1]?.split(" ")[0] ?? "";
    expect(await sluice("explain", "task", id)).toMatch(/^pending\n {2}\S/);
    expect(await sluice("tasks", "cancel", id)).toBe("1 task cancelled");
    expect(await sluice("tasks", "cancel", "--queue", "mail", "--state", "pending")).toBe("24 tasks cancelled");
    expect(await sluice("tasks", "retry", id)).toBe("1 task put back");
    expect(await sluice("tasks", "purge", "--queue", "mail", "--json")).toBe('{"done":24,"requested":0,"skipped":0}');
    expect(await sluice("tasks", "get", id)).toMatch(/^state +pending$/m);
  });

  it("pause, resume and set queues", async () => {
    expect(await sluice("queues", "pause", "letters")).toMatch(/^paused +yes$/m);
    expect(await sluice("queues", "list")).toMatch(/^letters .* paused$/m);
    expect(await sluice("queues", "resume", "letters")).toMatch(/^paused +no$/m);
    expect(await sluice("queues", "set", "letters", "--max-lead", "1", "--retention", "1h")).toMatch(
      /^max lead +1 tasks/m,
    );
    const [queue]: unknown[] = JSON.parse(await sluice("queues", "list", "--json"));
    expect(queue).toMatchObject({ name: "letters", settings: { maxLead: 1, retentionMs: 3_600_000, maxLag: 100 } });
  });

  it("say how many analyzers a queue wants", async () => {
    await workshop.run(["submit", "--queue", "busy", "--random", "--count", "5", "--address", address]);
    expect(await sluice("queues", "scaling", "busy")).toMatch(/^waiting +5\n(.*\n)+wanted +1 for a wait of 30s$/m);
    const json = JSON.parse(await sluice("queues", "scaling", "busy", "--target-wait", "2s", "--json"));
    expect(json).toMatchObject({ queue: "busy", waiting: 5, analyzers: 0, analyzersWanted: 1, targetWaitMs: 2000 });
  });

  it("list, weigh, explain and drain analyzers", async () => {
    const worker = workshop.start(["work", "--queue", "parcels", "--id", "w1", "--exec", "cat", "--address", address]);
    await worker.says("attached to");
    expect(await sluice("analyzers", "list", "--queue", "parcels")).toMatch(/^w1 +attached +1 /m);
    expect(await sluice("analyzers", "weight", "w1", "0.5")).toMatch(/^w1 +attached +0.5 /m);
    expect(await sluice("explain", "analyzer", "w1")).not.toBe("");
    await sluice("analyzers", "drain", "w1");
    expect((await worker.ended).status).toBe(0);
    const again = await runInProcess(["analyzers", "drain", "w1", "--address", address]);
    expect(again.status).toBe(1);
    expect(again.err).toMatch(/^error: analyzer w1 is not attached.*\(NOT_FOUND\)\n$/);
  });
});
