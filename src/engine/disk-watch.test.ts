import { expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { DISK_CHECK_MS, DISK_LOW_RETRY_MS, DISK_RECOVERY_FACTOR } from "./settings.ts";

const MIB = 1024 * 1024;
const MARK = 100 * MIB;

/** A store on a disk whose free space a test sets. */
class StoreOnDisk extends MemoryStore {
  left = 1000 * MIB;

  freeBytes(): Promise<number> {
    return Promise.resolve(this.left);
  }
}

async function nodeOnDisk(left: number) {
  const store = new StoreOnDisk();
  store.left = left;
  const node = await startEngine({ store, settings: { minFreeBytes: MARK } });
  const setLeft = async (bytes: number): Promise<void> => {
    store.left = bytes;
    await node.clock.advance(DISK_CHECK_MS);
  };
  return { ...node, setLeft };
}

test("with little space, submits are refused with a hint; results, cancels and reads are not", async () => {
  const { engine, clock, setLeft, events } = await nodeOnDisk(1000 * MIB);
  await Promise.all([engine.submit(makeTasks(3)), clock.settle()]);
  const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
  await clock.settle();
  await setLeft(MARK - 1);
  await expect(engine.submit([makeTask(9)])).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: expect.stringMatching(/^the disk of this node has 99 MiB left, less than the 100 MiB/),
    retryAfterMs: DISK_LOW_RETRY_MS,
  });
  analyzer.complete(analyzer.leases(), 1);
  await clock.settle();
  expect(analyzer.accepted).toHaveLength(1);
  expect(analyzer.deliveries).toHaveLength(2);
  expect(await engine.cancel({ ids: [taskId(2)] })).toMatchObject({ done: 1 });
  expect(await engine.get(taskId(0))).toMatchObject({ state: "COMPLETED" });
  expect(events.filter((event) => event.startsWith("disk."))).toEqual(["disk.low"]);
});

test("when there is space again, submits are taken again by themselves, but not at the mark itself (K1)", async () => {
  const { engine, clock, setLeft, events } = await nodeOnDisk(1000 * MIB);
  const submit = (number: number) => Promise.all([engine.submit([makeTask(number)]), clock.settle()]);
  await setLeft(MARK);
  await submit(0);
  await setLeft(MARK - 1);
  await setLeft(MARK * DISK_RECOVERY_FACTOR - 1);
  await expect(engine.submit([makeTask(1)])).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  await setLeft(MARK * DISK_RECOVERY_FACTOR);
  await submit(2);
  await setLeft(MARK);
  await submit(3);
  expect(events.filter((event) => event.startsWith("disk."))).toEqual(["disk.low", "disk.recovered"]);
});

test("a node that starts on a full disk refuses from the start, and says so in its figures", async () => {
  const { engine, setLeft } = await nodeOnDisk(MIB);
  await expect(engine.submit([makeTask(1)])).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect((await engine.figures("")).node).toMatchObject({ freeBytes: MIB, diskLow: true });
  await setLeft(1000 * MIB);
  expect((await engine.figures("")).node).toMatchObject({ freeBytes: 1000 * MIB, diskLow: false });
});

test("a mark of 0, or a store that does not say what it has left, refuses nothing (K2)", async () => {
  const store = new StoreOnDisk();
  store.left = 0;
  const unmarked = await startEngine({ store, settings: { minFreeBytes: 0 } });
  await Promise.all([unmarked.engine.submit([makeTask(1)]), unmarked.clock.settle()]);
  const silent = await startEngine();
  await Promise.all([silent.engine.submit([makeTask(1)]), silent.clock.settle()]);
  expect((await silent.engine.figures("")).node).toMatchObject({ freeBytes: undefined, diskLow: false });
});
