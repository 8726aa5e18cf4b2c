/**
 * Disks that are full, that fail, that are slow, and that lose power: the node says so and ends, or waits; it never answers
 * OK for what is not there later.
 */
import { Analyzer, Emitter } from "@sluice/client";
import { describe, expect, test } from "vitest";
import { Arena } from "./arena.ts";
import { FaultyDisk, NO_FAULTY_DISK } from "./disk/faulty-disk.ts";
import { runPowerCuts } from "./power.ts";

const TIMEOUT_MS = 60_000;
const DRAIN_DEADLINE_MS = 30_000;
const LOAD = { perSecond: 200, payloadBytes: 500 };
const LEASE_MS = 1000;
const POWER_CUTS = 3;
const reason = NO_FAULTY_DISK === undefined ? "" : `, skipped: ${NO_FAULTY_DISK}`;

/** An arena on a faulty disk, with a node and clients at work. */
async function atWork(arena: Arena, disk: FaultyDisk) {
  await arena.startNode(disk.env);
  arena.crewOf(["a", "b"]);
  const emitter = arena.emitter(LOAD);
  await expect.poll(() => arena.checker.deliveries(), { timeout: 20_000 }).toBeGreaterThan(50);
  return emitter;
}

describe.skipIf(NO_FAULTY_DISK !== undefined)(`a node on a faulty disk${reason}`, { timeout: TIMEOUT_MS }, () => {
  test("that is full ends with a clear message, refuses to start on it, and has everything when there is room again", async () => {
    await using arena = await Arena.open();
    using disk = new FaultyDisk(arena.dataDirectory);
    const emitter = await atWork(arena, disk);
    disk.fill(300_000);
    arena.hit("disk");
    const end = await arena.node.ended;
    expect(end.status).toBe(1);
    expect(end.out).toMatch(/"msg":"storage failed, the node must stop: .*no space left on device.*check disk space/i);
    disk.fill(0);
    const refusal = await arena.launchNode(disk.env).ended;
    expect(refusal.status).toBe(1);
    expect(refusal.out).toMatch(/"msg":"cannot open the data directory .*no space left.*free space/i);
    disk.fill(undefined);
    await arena.startNode(disk.env);
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  });

  test("whose syncs fail ends with a clear message, and after a restart has all that was answered OK", async () => {
    await using arena = await Arena.open();
    using disk = new FaultyDisk(arena.dataDirectory);
    const emitter = await atWork(arena, disk);
    disk.failSyncs(true);
    arena.hit("disk");
    const end = await arena.node.ended;
    expect(end.status).toBe(1);
    expect(end.out).toMatch(/"msg":"storage failed, the node must stop: .*i\/o error.*check disk space and disk/);
    const refusal = await arena.launchNode(disk.env).ended;
    expect(refusal.status).toBe(1);
    expect(refusal.out).toMatch(/"msg":"cannot open the data directory .*(i\/o|input\/output) error/i);
    disk.failSyncs(false);
    await arena.startNode(disk.env);
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  });

  test("whose syncs are slow answers late, charges nobody, and loses nothing", async () => {
    await using arena = await Arena.open({ leaseMs: LEASE_MS });
    using disk = new FaultyDisk(arena.dataDirectory);
    const emitter = await atWork(arena, disk);
    arena.hit("disk");
    // Longer than the lease: heartbeats must be heard while a commit waits.
    disk.delaySyncs(1.5 * LEASE_MS);
    const before = disk.syncs;
    await expect.poll(() => disk.syncs, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 3);
    disk.delaySyncs(0);
    await emitter.flush();
    const { violations, tally } = await arena.verdict(DRAIN_DEADLINE_MS);
    expect(violations).toEqual([]);
    expect(tally.endings).toEqual({ COMPLETED: tally.accepted });
  });

  test("answers OK after the sync and not before, and does other things meanwhile", async () => {
    await using arena = await Arena.open();
    await using emitter = new Emitter({ address: arena.address });
    using disk = new FaultyDisk(arena.dataDirectory);
    await arena.startNode(disk.env);
    let answered = false;
    disk.holdSyncs(true);
    const submit = emitter.submit({ queue: "held" }).then(() => {
      answered = true;
    });
    await expect.poll(() => disk.isHolding, { timeout: 20_000 }).toBe(true);
    // Is welcomed by a node whose commits stand still.
    await using analyzer = new Analyzer({ address: arena.address, queues: "other", handlers: () => {} });
    await analyzer.start();
    expect(answered).toBe(false);
    disk.holdSyncs(false);
    await submit;
  });

  test("that loses power keeps all that was answered OK, whichever of the later blocks it has lost", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await runPowerCuts(POWER_CUTS, seed);
    expect(report.violations, `seed ${seed}`).toEqual([]);
    expect(report.blocksLost, `seed ${seed}`).toBeGreaterThan(0);
    expect(report.tally.accepted).toBeGreaterThan(0);
  });
});
