import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskNumber } from "../../test/support/tasks.ts";
import type { NewTask } from "../core/task.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { MAX_UNCOMMITTED_BYTES } from "./settings.ts";

/** A store that keeps the sizes of the inserts it was asked for. */
class CountingStore extends MemoryStore {
  readonly inserts: number[] = [];

  override insert(tasks: readonly NewTask[], nowMs: number) {
    this.inserts.push(tasks.length);
    return super.insert(tasks, nowMs);
  }
}

describe("submits of one turn", () => {
  test("share one commit, and each is answered for its own tasks in their order", async () => {
    const store = new CountingStore();
    const { engine, clock } = await startEngine({ store });
    await engine.configureQueue("q", { maxWaiting: 4 });
    const answers = Promise.all([
      engine.submit(makeTasks(2)),
      engine.submit([]),
      engine.submit([makeTask(1), makeTask(2)]),
      engine.submit(makeTasks(2, 3)),
    ]);
    await clock.settle();
    const kinds = (await answers).map((outcomes) => outcomes.map(({ kind }) => kind));
    expect(kinds).toEqual([["accepted", "accepted"], [], ["conflict", "accepted"], ["accepted", "full"]]);
    expect(store.inserts).toEqual([6]);
    const { queues } = await engine.figures("q");
    expect(queues[0]?.totals).toMatchObject({ submitted: 4 });
  });

  test("ask nothing of the store when there are none", async () => {
    const store = new CountingStore();
    const { engine, clock } = await startEngine({ store });
    new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await clock.settle();
    expect(store.inserts).toEqual([]);
  });
});

describe("a submit", () => {
  test("of an id that exists is a duplicate if its spec says the same", async () => {
    const asked: Uint8Array[][] = [];
    const sameSpec = (a: Uint8Array, b: Uint8Array) => asked.push([a, b]) === 1;
    const { engine, clock } = await startEngine({ sameSpec });
    const [first, again, other] = [[1], [2], [3]].map((bytes) => makeTask(1, { spec: new Uint8Array(bytes) }));
    if (first === undefined || again === undefined || other === undefined) throw new Error("unreachable");
    const [outcomes] = await Promise.all([engine.submit([first, again, other]), clock.settle()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted", "duplicate", "conflict"]);
    expect(asked).toEqual([
      [first.spec, again.spec],
      [first.spec, other.spec],
    ]);
  });

  test("for a time that is now is delivered now", async () => {
    const { engine, clock } = await startEngine();
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 5);
    await clock.settle();
    const nowMs = clock.wallMs();
    const tasks = [nowMs, nowMs - 1, nowMs + 1].map((startAtMs, index) => makeTask(index, { startAtMs }));
    await Promise.all([engine.submit(tasks), clock.settle()]);
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0, 1]);
    await clock.advance(1);
    expect(analyzer.deliveries.map(taskNumber)).toEqual([0, 1, 2]);
  });

  test("to a node that drains or whose storage has failed is refused: try another", async () => {
    const draining = await startEngine();
    const drained = draining.engine.drain();
    await expect(draining.engine.submit([makeTask(1)])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await drained;
    const gated = gateStore(new MemoryStore());
    const broken = await startEngine({ store: gated.store });
    const failure = new Error("the disk is gone");
    gated.fail(failure);
    const answers = Promise.allSettled([1, 2].map((number) => broken.engine.submit([makeTask(number)])));
    await broken.clock.settle();
    const reason: unknown = expect.objectContaining({ code: "UNAVAILABLE", cause: failure });
    expect(await answers).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    await expect(broken.engine.submit([makeTask(1)])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(broken.failures).toEqual([failure]);
  });
});

describe("what is not committed yet", () => {
  const sized = (number: number, bytes: number) => makeTask(number, { spec: new Uint8Array(bytes) });

  test("may reach its limit of bytes but not exceed it, and makes room with the commit (U2)", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    gated.shut();
    const refusal = { code: "RESOURCE_EXHAUSTED", retryAfterMs: 100 };
    const first = engine.submit([sized(1, MAX_UNCOMMITTED_BYTES - 9), sized(2, 3)]);
    const second = engine.submit([sized(3, 6)]);
    await expect(engine.submit([sized(4, 1)])).rejects.toMatchObject(refusal);
    await clock.settle();
    await expect(engine.submit([sized(5, 1)])).rejects.toMatchObject(refusal);
    gated.open();
    await clock.settle();
    expect([await first, await second].flat().map(({ kind }) => kind)).toEqual(["accepted", "accepted", "accepted"]);
    gated.shut();
    const third = engine.submit([sized(6, MAX_UNCOMMITTED_BYTES)]);
    await clock.settle();
    gated.open();
    await clock.settle();
    expect((await third).map(({ kind }) => kind)).toEqual(["accepted"]);
  });

  test("may be a single submit of any size", async () => {
    const { engine, clock } = await startEngine();
    const [outcomes] = await Promise.all([engine.submit([sized(1, MAX_UNCOMMITTED_BYTES + 1)]), clock.settle()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["accepted"]);
  });
});
