import { describe, expect, test } from "vitest";
import { makeParts } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { makeTasks, taskId } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { StoredTask } from "../store/port.ts";
import { NodeState } from "./node-state.ts";
import { Waiters } from "./waiters.ts";

/** Waiters on a store with tasks 0 to 4, of which 4 was cancelled. */
async function makeWaiters() {
  const store = new MemoryStore();
  await store.open();
  await store.insert(makeTasks(5), 0);
  await store.cancel([taskId(4)], 0);
  const gated = gateStore(store, ["get"]);
  const { parts, clock } = makeParts({ store: gated.store });
  const node = new NodeState(parts, () => {});
  const waiters = new Waiters(node);
  const answers: string[] = [];
  /** Waits for tasks by their numbers; what it is told becomes `name:number:state`. */
  const wait = (name: string, ...numbers: number[]) =>
    waiters.wait(numbers.map(taskId), (id: string, task: StoredTask | undefined) => {
      answers.push(`${name}:${Number.parseInt(id.slice(-12), 16)}:${task?.state}`);
    });
  /** Ends tasks, and tells the waiters so. */
  const end = async (...numbers: number[]) => {
    await store.cancel(numbers.map(taskId), 0);
    for (const number of numbers) waiters.ended(taskId(number));
    await clock.settle();
  };
  return { clock, store, gated, waiters, answers, wait, end };
}

describe("who waits for tasks", () => {
  test("hears of each once, when it ends, and nothing is kept of it (N1, N2)", async () => {
    const { clock, waiters, answers, wait, end } = await makeWaiters();
    wait("w", 0, 1, 1);
    await clock.settle();
    expect(answers).toEqual([]);
    expect(waiters.size).toBe(2);
    await end(1);
    expect(answers).toEqual(["w:1:CANCELLED"]);
    expect(waiters.size).toBe(1);
    await end(1, 2, 0);
    expect(answers).toEqual(["w:1:CANCELLED", "w:0:CANCELLED"]);
    expect(waiters.size).toBe(0);
  });

  test("hears at once of those that have ended, and of those that nobody knows", async () => {
    const { clock, waiters, answers, wait } = await makeWaiters();
    wait("w", 4, 0, 77);
    await clock.settle();
    expect(answers).toEqual(["w:4:CANCELLED", "w:77:undefined"]);
    expect(waiters.size).toBe(1);
  });

  test("hears of it beside others that wait for the same", async () => {
    const { clock, waiters, answers, wait, end } = await makeWaiters();
    wait("v", 0);
    wait("w", 0, 1);
    await clock.settle();
    await end(0);
    expect(answers).toEqual(["v:0:CANCELLED", "w:0:CANCELLED"]);
    expect(waiters.size).toBe(1);
  });

  test("hears nothing more after giving up, and the others do", async () => {
    const { clock, waiters, answers, wait, end } = await makeWaiters();
    const giveUp = wait("v", 0, 4, 77);
    wait("w", 0);
    giveUp();
    giveUp();
    await clock.settle();
    expect(waiters.size).toBe(1);
    await end(0);
    expect(answers).toEqual(["w:0:CANCELLED"]);
    expect(waiters.size).toBe(0);
  });

  test("hears of an ending that happens while the task is looked up, once", async () => {
    const { clock, gated, answers, wait, end } = await makeWaiters();
    gated.shut();
    wait("w", 0);
    await end(0);
    gated.open();
    await clock.settle();
    expect(answers).toEqual(["w:0:CANCELLED"]);
  });

  test("does not hear of a task that was redriven at once: it has not ended after all", async () => {
    const { clock, store, gated, waiters, answers, wait, end } = await makeWaiters();
    wait("w", 0);
    await clock.settle();
    gated.shut();
    await end(0);
    await store.redrive([taskId(0)], 0, () => 0);
    gated.open();
    await clock.settle();
    expect(answers).toEqual([]);
    expect(waiters.size).toBe(1);
    await end(0);
    expect(answers).toEqual(["w:0:CANCELLED"]);
  });

  test("hears of a task that ended and was purged that there is none", async () => {
    const { clock, store, gated, answers, wait, end } = await makeWaiters();
    wait("w", 0);
    await clock.settle();
    gated.shut();
    await end(0);
    await store.purge([taskId(0)]);
    gated.open();
    await clock.settle();
    expect(answers).toEqual(["w:0:undefined"]);
  });
});

test("an ending that nobody waits for asks nothing of the store", async () => {
  const { clock, store, end } = await makeWaiters();
  let looks = 0;
  const get = store.get.bind(store);
  store.get = (id) => {
    looks += 1;
    return get(id);
  };
  await end(0);
  await clock.settle();
  expect(looks).toBe(0);
});
