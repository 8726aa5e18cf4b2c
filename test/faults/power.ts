/**
 * Rounds of power cuts: the node dies at a random moment, and of the blocks that it wrote since the last sync a random part
 * never reached the disk.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../sim/random.ts";
import { Arena } from "./arena.ts";
import type { Tally, Violation } from "./checker.ts";
import { FaultyDisk } from "./disk/faulty-disk.ts";

/** What came of it. */
export interface PowerCutsReport {
  readonly cuts: number;
  readonly seed: number;
  /** Cuts that took anything back, and the blocks that they took. */
  readonly lossyCuts: number;
  readonly blocksLost: number;
  readonly tally: Tally;
  readonly violations: readonly Violation[];
}

/** How long the node works before the power goes. */
const MAX_LIFE_MS = 500;
/** Syncs take at most this much longer, so that the power often goes in the middle of one. */
const MAX_SYNC_DELAY_MS = 80;
const PER_SECOND = 600;
const DELIVERIES = 20;
const WORK_DEADLINE_MS = 30_000;
const DRAIN_DEADLINE_MS = 60_000;

/** Resolves when analyzers have got work again: the backoff of clients must not make the power go while nothing is written. */
async function atWork({ checker }: Arena): Promise<void> {
  const goal = checker.deliveries() + DELIVERIES;
  const untilMs = performance.now() + WORK_DEADLINE_MS;
  while (checker.deliveries() < goal) {
    if (performance.now() > untilMs) throw new Error("the clients did not get to work again");
    await sleep(5);
  }
}

/** Runs so many rounds. Needs a machine with the faulty disk. */
export async function runPowerCuts(cuts: number, seed: number): Promise<PowerCutsReport> {
  const random = new Random(seed);
  await using arena = await Arena.open({ flags: ["--resume-grace-ms", "100"] });
  using disk = new FaultyDisk(arena.dataDirectory);
  await arena.startNode(disk.env);
  arena.crewOf(["a", "b"], 32);
  const emitter = arena.emitter({ perSecond: PER_SECOND });
  let lossyCuts = 0;
  let blocksLost = 0;
  for (let cut = 0; cut < cuts; cut++) {
    await atWork(arena);
    disk.delaySyncs(random.int(0, MAX_SYNC_DELAY_MS));
    await sleep(random.int(0, MAX_LIFE_MS));
    await arena.killNode();
    const lost = disk.cutPower(() => random.unit());
    arena.hit("disk");
    blocksLost += lost;
    if (lost > 0) lossyCuts += 1;
    await arena.startNode(disk.env);
  }
  disk.delaySyncs(0);
  await emitter.flush();
  const verdict = await arena.verdict(DRAIN_DEADLINE_MS);
  return { cuts, seed, lossyCuts, blocksLost, ...verdict };
}
