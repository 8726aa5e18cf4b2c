import { describe, expect, test } from "vitest";
import { startEngine } from "../../test/support/engine.ts";
import { gateStore } from "../../test/support/gated-store.ts";
import { ScriptedAnalyzer } from "../../test/support/scripted-analyzer.ts";
import { makeTask, makeTasks, taskId } from "../../test/support/tasks.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { Finish, FinishOutcome, StoredTask } from "../store/port.ts";

/** A store that keeps what it was asked to finish, and may answer that it was too late. */
class WatchedStore extends MemoryStore {
  readonly finishes: Finish[][] = [];
  answer: ((outcomes: FinishOutcome[]) => FinishOutcome[]) | undefined;

  override async finish(finishes: readonly Finish[]): Promise<FinishOutcome[]> {
    this.finishes.push([...finishes]);
    const outcomes = await super.finish(finishes);
    return this.answer?.(outcomes) ?? outcomes;
  }
}

async function nodeWithHolder(count: number) {
  const store = new WatchedStore();
  const node = await startEngine({ store });
  const holder = new ScriptedAnalyzer(node.engine, "holder").hello({ maxInFlight: count }, count);
  await Promise.all([node.engine.submit(makeTasks(count)), node.clock.settle()]);
  return { ...node, store, holder };
}

describe("the ends of leases", () => {
  test("of one turn share one commit, which says who ran the task, and when", async () => {
    const { clock, store, holder } = await nodeWithHolder(3);
    const startMs = clock.wallMs();
    await clock.advance(70);
    const [completed = 0, failed = 0, released = 0] = holder.leases();
    holder
      .complete([completed], 0)
      .fail(failed, true)
      .frame({ releases: [released] });
    await clock.settle();
    const about = { analyzerId: "holder", startMs, endMs: startMs + 70 };
    expect(store.finishes).toMatchObject([
      [
        { ...about, lease: completed, transition: { to: "COMPLETED" } },
        { ...about, lease: failed, transition: { to: "FAILED", error: { code: "BROKEN" } } },
        { ...about, lease: released, transition: { to: "PENDING" } },
      ],
    ]);
    expect(holder.accepted).toEqual(holder.leases());
  });

  test("are counted by what they led to, for the queue and for the analyzer", async () => {
    const { engine, clock, holder, events } = await nodeWithHolder(6);
    const [completed = 0, failed = 0, retried = 0, released = 0, cancelled = 0] = holder.leases();
    await engine.cancel({ ids: [taskId(4)] });
    holder
      .complete([completed, cancelled], 0)
      .fail(failed, true)
      .fail(retried)
      .frame({ releases: [released] });
    await clock.settle();
    holder.break();
    await clock.advance(5000);
    const { queues, analyzers } = await engine.figures("");
    const counts = { delivered: 6, completed: 1, failed: 2 };
    expect(queues[0]?.totals).toEqual({
      submitted: 6,
      delivered: 6,
      completed: 1,
      failed: 1,
      retried: 1,
      cancelled: 1,
      stale: 0,
      lost: 1,
    });
    expect(analyzers).toMatchObject([counts]);
    expect(queues[0]?.shares).toMatchObject([counts]);
    expect(events.filter((event) => event === "task.failed")).toHaveLength(1);
  });

  test("are told to who waits for the task when it has ended, whichever way", async () => {
    const { engine, clock, holder } = await nodeWithHolder(5);
    const ended: [string, StoredTask["state"] | undefined][] = [];
    engine.wait([0, 1, 2, 3, 4].map(taskId), (id, task) => ended.push([id, task?.state]));
    const [completed = 0, failed = 0, retried = 0, released = 0, cancelled = 0] = holder.leases();
    await engine.cancel({ ids: [taskId(4)] });
    holder
      .complete([completed, cancelled], 0)
      .fail(failed, true)
      .fail(retried)
      .frame({ releases: [released] });
    await clock.settle();
    expect(ended.sort()).toEqual([
      [taskId(0), "COMPLETED"],
      [taskId(1), "FAILED"],
      [taskId(4), "CANCELLED"],
    ]);
  });

  test("that the store was told too late are stale, and count as nothing else", async () => {
    const { engine, clock, store, holder } = await nodeWithHolder(2);
    const ended: string[] = [];
    engine.wait([taskId(0)], (id) => ended.push(id));
    await clock.settle();
    store.answer = () => ["stale"]; // and nothing at all for the second
    holder.complete(holder.leases(), 0);
    await clock.settle();
    expect(holder.stale).toEqual(holder.leases());
    expect(holder.accepted).toEqual([]);
    expect(ended).toEqual([]);
    const { queues, node } = await engine.figures("q");
    expect(queues[0]?.totals).toMatchObject({ completed: 0, stale: 2, lost: 0 });
    expect(node.leases).toBe(0);
  });

  test("that the store was told too late of a lost analyzer do not count it as lost", async () => {
    const { engine, clock, store, holder } = await nodeWithHolder(1);
    store.answer = () => ["stale"];
    holder.break();
    await clock.advance(5000);
    expect((await engine.figures("q")).queues[0]?.totals).toMatchObject({ lost: 0, stale: 1 });
  });

  test("ask nothing of the store when there are none", async () => {
    const { clock, store, holder } = await nodeWithHolder(1);
    holder.frame({ releases: [77] });
    await clock.advance(1000);
    expect(store.finishes).toEqual([]);
  });

  test("in one commit count a lease once, and keep it live until the commit", async () => {
    const gated = gateStore(new MemoryStore());
    const { engine, clock } = await startEngine({ store: gated.store });
    const analyzer = new ScriptedAnalyzer(engine, "a").hello({}, 1);
    await Promise.all([engine.submit([makeTask(0)]), clock.settle()]);
    gated.shut();
    analyzer.complete([...analyzer.leases(), ...analyzer.leases()], 0);
    await clock.settle();
    expect(analyzer.stale).toEqual(analyzer.leases());
    expect((await engine.figures("")).node.leases).toBe(1);
    expect((await engine.figures("")).analyzers).toMatchObject([{ inFlight: 0 }]);
    gated.open();
    await clock.settle();
    expect((await engine.figures("")).node.leases).toBe(0);
    expect(analyzer.accepted).toEqual(analyzer.leases());
  });

  test("that return a task let it be delivered again at once", async () => {
    const { engine, clock, holder } = await nodeWithHolder(1);
    const other = new ScriptedAnalyzer(engine, "other").hello({}, 1);
    await clock.settle();
    expect(other.deliveries).toEqual([]);
    holder.frame({ releases: holder.leases() });
    await clock.settle();
    expect(other.deliveries).toHaveLength(1);
  });
});
