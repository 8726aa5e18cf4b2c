import { afterEach, beforeEach, expect, it } from "vitest";
import { Admin } from "./admin.ts";
import { endingOf, FakeNode } from "./testing/fake-node.ts";

let node: FakeNode;
let admin: Admin;

beforeEach(async () => {
  node = await FakeNode.listen();
  admin = new Admin({ address: node.address });
});

afterEach(async () => {
  await admin.close();
  node.kill();
});

it("returns the generated messages", async () => {
  expect((await admin.stats("q")).queues).toMatchObject([{ name: "q" }]);
});

it("rejects with the status of the node", async () => {
  await expect(admin.getTask("x")).rejects.toMatchObject({ name: "SluiceClientError", code: "UNIMPLEMENTED" });
  const pages = async () => {
    for await (const task of admin.allTasks()) return task;
    return undefined;
  };
  await expect(pages()).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
});

it("passes over a node that is away", async () => {
  const away = await FakeNode.listen();
  away.kill();
  for (let round = 0; round < 4; round++) {
    const either = new Admin({ address: [away.address, node.address] });
    expect((await either.stats()).queues).toHaveLength(1);
    await either.close();
  }
  const none = new Admin({ address: away.address });
  await expect(none.stats()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await none.close();
});

it("yields endings as they come, and ends the call when the loop is left or the signal fires", async () => {
  const first = admin.waitTasks(["a", "b"]);
  const next = first.next();
  (await node.waits.take()).end(endingOf("b"), endingOf("a"));
  expect((await next).value).toMatchObject({ id: "b" });
  await first.return();
  const abort = new AbortController();
  const second = admin.waitTasks(["c"], abort.signal).next();
  await node.waits.take();
  abort.abort(new Error("enough"));
  await expect(second).rejects.toThrow("enough");
});

it("takes no calls after close", async () => {
  await admin.close();
  await expect(admin.stats()).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
