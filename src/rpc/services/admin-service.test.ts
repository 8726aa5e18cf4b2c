import { fromBinary } from "@bufbuild/protobuf";
import { AdminService } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { encode, endOf } from "../../../test/support/raw-client.ts";
import { until, useRig } from "../../../test/support/rpc-rig.ts";

const admin = AdminService.method;
const on = useRig();
describe("operators", () => {
  test("see the figures", async () => {
    const stats = await on.client.unary(admin.getStats, { queue: "default" });
    expect(stats.node).toMatchObject({ epoch: 7, store: "memory" });
    expect(stats.queues).toMatchObject([
      {
        name: "default",
        counts: { pending: 1, scheduled: 2, running: 3, retrying: 4, completed: 5, failed: 6, cancelled: 7 },
        totals: { lost: 8 },
        settings: { paused: false, maxLag: 100, deadRetentionMs: 2_592_000_000 },
      },
    ]);
    expect(stats.analyzers[0]).toMatchObject({ id: "a1", state: 1, progress: [{ lease: 2n ** 40n, percent: 50 }] });
    expect((await on.client.unary(admin.listQueues, {})).queues).toHaveLength(1);
    const { analyzers } = await on.client.unary(admin.listAnalyzers, { queue: "default" });
    expect(analyzers.map(({ id }) => id)).toEqual(["a1"]);
  });

  test("ask how many analyzers a queue wants, for a wait of 30 s unless they say otherwise", async () => {
    const scaling = await on.client.unary(admin.getScaling, { queue: "mail" });
    const figures = { waiting: 3, running: 2, arrivalRate: 1.5, runMs: 20_000, analyzers: 1, analyzersWanted: 4 };
    expect(scaling).toMatchObject({ queue: "mail", ...figures, targetWaitMs: 30_000 });
    await on.client.unary(admin.getScaling, { queue: "mail", targetWaitMs: 100 });
    expect(on.rig.distributor.calls).toEqual([
      ["scaling", "mail", 30_000],
      ["scaling", "mail", 100],
    ]);
    expect(await on.client.refusal(admin.getScaling, {})).toMatch(/^INVALID_ARGUMENT: queue must be 1 to 128/);
    expect(await on.client.refusal(admin.getScaling, { queue: "mail", targetWaitMs: 99 })).toBe(
      "INVALID_ARGUMENT: target_wait_ms must be 100 to 86400000",
    );
  });

  test("move the levers", async () => {
    const settings = { maxLead: 1, retentionCount: 5, maxWaitingBytes: 2 ** 40 };
    const { queue } = await on.client.unary(admin.setQueue, { queue: "q", settings });
    expect(queue?.settings).toMatchObject(settings);
    await on.client.unary(admin.pauseQueue, { queue: "q" });
    await on.client.unary(admin.resumeQueue, { queue: "q" });
    await on.client.unary(admin.setAnalyzerWeight, { analyzerId: "a1", weight: 2 });
    const { analyzer } = await on.client.unary(admin.drainAnalyzer, { analyzerId: "a1" });
    expect(analyzer?.state).toBe(2);
    const { reasons } = await on.client.unary(admin.explainAnalyzer, { analyzerId: "a1" });
    expect(reasons).toEqual(["a1 is idle"]);
    expect(on.rig.distributor.calls).toEqual([
      ["configureQueue", "q", settings],
      ["configureQueue", "q", { paused: true }],
      ["configureQueue", "q", { paused: false }],
      ["setWeight", "a1", 2],
      ["drainAnalyzer", "a1"],
      ["explainAnalyzer", "a1"],
    ]);
    await on.client.unary(admin.drainNode, {});
    expect(on.rig.drains).toBe(1);
  });

  test("watch the figures until they cancel", async () => {
    const stream = on.client.serverStream(admin.watchStats, encode(admin.watchStats.input, { intervalMs: 100 }));
    const ended = endOf(stream);
    const answers: Buffer[] = [];
    stream.on("data", (answer: Buffer) => answers.push(answer));
    await until(() => answers.length > 1);
    expect(fromBinary(admin.watchStats.output, answers[1] ?? Buffer.alloc(0)).stats?.node?.epoch).toBe(7);
    stream.cancel();
    await ended;
  });
});
