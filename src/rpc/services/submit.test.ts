import { fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { DistributorService, SubmitBatchResponseSchema } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { encode } from "../../../test/support/raw-client.ts";
import { useRig } from "../../../test/support/rpc-rig.ts";

const ID = "0190a8f0-1111-7222-8333-444455556666";
const { submit, submitBatch } = DistributorService.method;
const on = useRig();
describe("submitting", () => {
  test("answers with the id, and the task reaches the engine with its defaults", async () => {
    expect(await on.client.unary(submit, { task: { id: ID, type: "t" } })).toMatchObject({ id: ID, duplicate: false });
    expect(on.rig.distributor.submitted).toMatchObject([{ id: ID, queue: "default", type: "t", priority: 4 }]);
  });

  test("gives a task without an id a UUIDv7", async () => {
    const { id } = await on.client.unary(submit, { task: {} });
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(on.rig.distributor.submitted[0]?.id).toBe(id);
  });

  test("tells a duplicate from a conflict", async () => {
    on.rig.distributor.answer = () => ({ kind: "duplicate" });
    expect(await on.client.unary(submit, { task: { id: ID } })).toMatchObject({ id: ID, duplicate: true });
    on.rig.distributor.answer = () => ({ kind: "conflict" });
    expect(await on.client.refusal(submit, { task: { id: ID } })).toMatch(/^ALREADY_EXISTS: /);
  });

  test("into a full queue says when to try again", async () => {
    on.rig.distributor.answer = () => ({ kind: "full", message: "queue default is full", retryAfterMs: 1500 });
    const { status: answer } = await on.client.call(submit, encode(submit.input, { task: { id: ID } }));
    expect(answer).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: "queue default is full" });
    const [details] = answer.metadata.get("grpc-status-details-bin");
    // Status { 8, message, Any { RetryInfo { Duration { 1 s, 500000000 ns } } } }
    expect(Buffer.from(details ?? "").toString("latin1")).toContain("type.googleapis.com/google.rpc.RetryInfo");
    expect(
      Buffer.from(details ?? "")
        .subarray(-12)
        .toString("hex"),
    ).toBe("120a0a08080110 80cab5ee01".replace(" ", ""));
  });

  test("a batch has an outcome per task, refused ones among them", async () => {
    on.rig.distributor.answer = (task) =>
      task.type === "full" ? { kind: "full", message: "full", retryAfterMs: 7 } : { kind: "accepted" };
    const request = { tasks: [{ id: ID }, { id: "bad" }, {}, { id: ID, type: "full" }] };
    const response = await on.client.unary(submitBatch, request);
    expect(response.outcomes).toMatchObject([
      { id: "", duplicate: false },
      { error: { code: 3 } },
      { id: on.rig.distributor.submitted[1]?.id },
      { error: { code: 8, message: "full", retryAfterMs: 7 } },
    ]);
  });

  test("a batch of nothing but bad tasks does not reach the engine", async () => {
    const { response } = await on.client.call(submitBatch, encode(submitBatch.input, { tasks: [{ id: "bad" }] }));
    expect(fromBinary(SubmitBatchResponseSchema, response ?? Buffer.alloc(0)).outcomes).toHaveLength(1);
    expect(on.rig.distributor.calls).toEqual([]);
  });
});
