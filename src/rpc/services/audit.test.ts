import { create } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { AdminService, TaskFilterSchema, TaskService, TaskState } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { encode, pathOf } from "../../../test/support/raw-client.ts";
import { useRig } from "../../../test/support/rpc-rig.ts";
import { MAX_AUDIT_IDS, MAX_AUDIT_TEXT_LENGTH } from "../limits.ts";
import { OPERATOR_HEADER } from "../method.ts";

const admin = AdminService.method;
const tasks = TaskService.method;
const on = useRig();
const GRPC = { event: "operator.action", via: "grpc", peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) };

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `0190a8f0-1111-7222-8333-${String(index).padStart(12, "0")}`);
}

describe("the audit log", () => {
  test("has one line per action of an operator: who did what, and what came of it (A1)", async () => {
    await on.client.unary(admin.pauseQueue, { queue: "q" });
    await on.client.unary(admin.resumeQueue, { queue: "q" });
    await on.client.unary(admin.setQueue, { queue: "q", settings: { maxLead: 2 } });
    await on.client.unary(admin.setAnalyzerWeight, { analyzerId: "a1", weight: 2 });
    await on.client.unary(admin.drainAnalyzer, { analyzerId: "a1" });
    await on.client.unary(tasks.cancelTasks, { selection: { ids: ids(1) } });
    const filter = create(TaskFilterSchema, { queue: "q", states: [TaskState.FAILED], attributes: { key: "secret" } });
    await on.client.unary(tasks.retryTasks, { selection: { filter } });
    await on.client.unary(tasks.purgeTasks, { selection: { ids: ids(MAX_AUDIT_IDS + 1) } });
    await on.client.unary(admin.drainNode, {});
    const by = { ...GRPC, agent: expect.stringContaining("grpc-node-js"), outcome: "OK" };
    expect(on.rig.actions).toEqual([
      { ...by, action: "queue.pause", queue: "q" },
      { ...by, action: "queue.resume", queue: "q" },
      { ...by, action: "queue.set", queue: "q", settings: { maxLead: 2 } },
      { ...by, action: "analyzer.weight", analyzer: "a1", weight: 2 },
      { ...by, action: "analyzer.drain", analyzer: "a1" },
      { ...by, action: "tasks.cancel", ids: ids(1), tasks: 1, cancelled: 1, requested: 2, skipped: 3 },
      {
        ...by,
        action: "tasks.retry",
        queue: "q",
        states: ["FAILED"],
        attributes: ["key"],
        retried: 1,
        skipped: 3,
      },
      { ...by, action: "tasks.purge", ids: ids(MAX_AUDIT_IDS), tasks: MAX_AUDIT_IDS + 1, purged: 1, skipped: 3 },
      { ...by, action: "node.drain" },
    ]);
  });

  test("has refused actions with their reason (A1), and nothing of those who only look", async () => {
    await on.client.unary(admin.getStats, {});
    await on.client.refusal(admin.setAnalyzerWeight, { analyzerId: "stranger", weight: 1 });
    const [line] = on.rig.actions;
    expect(on.rig.actions).toHaveLength(1);
    expect(line).toMatchObject({ ...GRPC, action: "analyzer.weight", outcome: "NOT_FOUND", analyzer: "stranger" });
    expect(line?.["reason"]).toContain("not attached");
  });

  test("names the operator that the metadata names, cut to its limit (A2)", async () => {
    const metadata = new Metadata();
    metadata.set(OPERATOR_HEADER, "o".repeat(2 * MAX_AUDIT_TEXT_LENGTH));
    const request = encode(admin.pauseQueue.input, { queue: "q" });
    await new Promise((resolve) => {
      const asIs = (bytes: Buffer) => bytes;
      on.client.client.makeUnaryRequest(pathOf(admin.pauseQueue), asIs, asIs, request, metadata, resolve);
    });
    expect(on.rig.actions).toMatchObject([{ action: "queue.pause", operator: "o".repeat(MAX_AUDIT_TEXT_LENGTH) }]);
  });
});
