import { describe, expect, test } from "vitest";
import { CreditWindow } from "../core/credit.ts";
import { LEASES_PER_EPOCH, makeLease } from "../core/lease.ts";
import { DEFAULT_RETRY } from "../core/limits.ts";
import { type ClaimedTask, DEFAULT_QUEUE_SETTINGS } from "../store/port.ts";
import { AnalyzerRecord } from "./analyzer.ts";
import { LeaseTable } from "./lease-table.ts";
import { QueueState } from "./queue-state.ts";

function makeTable() {
  const table = new LeaseTable(1);
  const analyzer = new AnalyzerRecord("a", 1);
  const holder = analyzer.subscribe(new QueueState("q", DEFAULT_QUEUE_SETTINGS), 0);
  const window = new CreditWindow(10);
  /** Leases a task at the given time of the lease clock. */
  const lease = (timeoutMs: number, nowMs = 0) => {
    const number = table.reserve(1);
    const task: ClaimedTask = {
      id: `task ${number}`,
      queue: "q",
      type: "",
      submittedMs: 0,
      attempts: 2,
      retry: DEFAULT_RETRY,
      timeoutMs,
      lease: number,
      spec: new Uint8Array(),
    };
    window.grant(1);
    window.spend();
    return table.add(task, holder, window, 500, nowMs);
  };
  return { table, analyzer, holder, window, lease };
}

describe("a lease", () => {
  test("is live from its claim until the commit of its end (L1)", () => {
    const { table, analyzer, holder, window, lease } = makeTable();
    const added = lease(0);
    expect(added).toMatchObject({
      lease: makeLease(1, 0),
      taskId: `task ${makeLease(1, 0)}`,
      attempts: 2,
      retry: DEFAULT_RETRY,
      startMs: 500,
      timeoutMs: 0,
      answered: false,
      cancelRequested: false,
      progress: undefined,
    });
    expect(added.holder).toBe(holder);
    expect([table.size, table.get(added.lease), [...table.all()], [...analyzer.leases]]).toEqual([
      1,
      added,
      [added],
      [added],
    ]);
    table.answer(added);
    expect([added.answered, window.inFlight, table.get(added.lease)]).toEqual([true, 0, added]);
    table.remove(added, 0);
    expect([table.size, table.get(added.lease), analyzer.leases.size]).toEqual([0, undefined, 0]);
  });

  test("without a timeout has no deadline", () => {
    const { table, lease } = makeTable();
    const added = lease(0);
    expect(added.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(table.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(table.overdue(1e15)).toBeUndefined();
    table.answer(added);
  });

  test("is overdue from its deadline on, the earliest first, until it is answered", () => {
    const { table, lease } = makeTable();
    const late = lease(100, 50);
    const early = lease(100, 20);
    expect(table.nextDeadlineMs).toBe(120);
    expect(table.overdue(119.9)).toBeUndefined();
    expect(table.overdue(120)).toBe(early);
    expect(table.overdue(500)).toBe(early);
    table.answer(early);
    expect(table.nextDeadlineMs).toBe(150);
    expect(table.overdue(149)).toBeUndefined();
    expect(table.overdue(500)).toBe(late);
    table.answer(late);
    expect(table.overdue(500)).toBeUndefined();
  });
});

describe("lease numbers", () => {
  test("rise without a gap (L2)", () => {
    const { table } = makeTable();
    expect([table.reserve(3), table.reserve(1), table.reserve(1)].map((lease) => lease - makeLease(1, 0))).toEqual([
      0, 3, 4,
    ]);
  });

  test("are all used before those of a further epoch, which is asked for when half of them are", () => {
    const { table } = makeTable();
    const half = LEASES_PER_EPOCH / 2;
    table.reserve(half);
    expect(table.wantsEpoch).toBe(false);
    table.reserve(1);
    expect(table.wantsEpoch).toBe(true);
    table.addEpoch(7);
    expect(table.wantsEpoch).toBe(false);
    expect(table.reserve(half - 1)).toBe(makeLease(1, half + 1));
    expect(table.reserve(2)).toBe(makeLease(7, 0));
    expect(table.reserve(1)).toBe(makeLease(7, 2));
    expect(table.wantsEpoch).toBe(false);
    table.reserve(half);
    expect(table.wantsEpoch).toBe(true);
  });

  test("run out only if no further epoch was got in time", () => {
    const { table } = makeTable();
    table.reserve(LEASES_PER_EPOCH - 1);
    expect(() => table.reserve(2)).toThrow("epoch 1 has no lease numbers left");
    expect(table.reserve(1)).toBe(makeLease(1, LEASES_PER_EPOCH - 1));
    expect(() => table.reserve(1)).toThrow("epoch 1 has no lease numbers left");
  });
});
