/**
 * Results that arrive when their lease ends: by the timeout of the attempt, by the silence of the analyzer, by a newer
 * session of the same analyzer. One ending is recorded, and whoever comes too late is told so.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { Emitter, type TaskInput } from "@sluice/client";
import { v7 as newId } from "uuid";
import { Random } from "../sim/random.ts";
import { RawClient } from "../support/raw-client.ts";
import { Arena, QUEUE } from "./arena.ts";
import type { Verdict } from "./checker.ts";
import { type RacedLease, Racer } from "./racer.ts";

/** How the races went. */
export interface RacesReport extends Verdict {
  readonly seed: number;
  /** Results that were in time, and that came too late. */
  readonly won: number;
  readonly lost: number;
  /** Results without an answer: must be none. */
  readonly unanswered: number;
}

/** What every race needs. */
interface Track {
  readonly arena: Arena;
  readonly client: RawClient;
  readonly random: Random;
}

const LEASE_MS = 1000;
const TIMEOUT_MS = 300;
/** Around the moment when the attempt is over. */
const TIMEOUT_SPREAD_MS = 80;
/** The node looks for silent analyzers every quarter of the lease, and counts its own pauses in part. */
const SILENCE_SPREAD_MS = 400;
const SILENT_AT_A_TIME = 25;
/** How long an answer may take on a busy machine. */
const ANSWER_DEADLINE_MS = 20_000;
const DRAIN_DEADLINE_MS = 30_000;

/** Attempts that run into their timeout. */
export function raceTimeouts(count: number, seed: number): Promise<RacesReport> {
  return onTrack(seed, async ({ arena, client, random }) => {
    const leases: RacedLease[] = [];
    const racer = new Racer(client, arena.checker, "racer", { maxInFlight: count }, (lease) => {
      leases.push(lease);
      // Mostly within a few milliseconds of the timeout, now and then far from it.
      const spread = (2 * random.unit() - 1) ** 3 * TIMEOUT_SPREAD_MS;
      setTimeout(() => racer.complete(lease), TIMEOUT_MS + spread);
    });
    racer.send({ credit: count });
    const beat = setInterval(() => racer.send({ heartbeat: {} }), LEASE_MS / 4);
    // A few at a time: a node that is busy with hundreds of results at once would race against itself.
    for (let left = count; left > 0; left -= 10) {
      await submit(arena, Math.min(10, left), { timeoutMs: TIMEOUT_MS, retry: { maxAttempts: 1 } });
      await sleep(10);
    }
    await eventually(() => leases.length === count && leases.every(({ lease }) => racer.receipts.has(lease)));
    clearInterval(beat);
    racer.close();
    return leases.map(({ lease }) => racer.receipts.get(lease));
  });
}

/** Analyzers that fall silent, and answer when they are given up. Then they come back and answer again. */
export function raceSilence(count: number, seed: number): Promise<RacesReport> {
  return onTrack(seed, async ({ arena, client, random }) => {
    const race = async (id: string): Promise<"accepted" | "stale" | undefined> => {
      const { racer, lease } = await withLease(arena, client, id);
      arena.hit("analyzer paused", id, Date.now(), Date.now() + 2 * LEASE_MS);
      await sleep(LEASE_MS + random.unit() * SILENCE_SPREAD_MS);
      racer.complete(lease);
      await Promise.race([racer.ended, eventually(() => racer.receipts.has(lease.lease))]);
      const verdict = racer.receipts.get(lease.lease);
      if (verdict !== undefined) {
        racer.close();
        return verdict;
      }
      return await answerAgain(arena, client, id, lease);
    };
    const verdicts: ("accepted" | "stale" | undefined)[] = [];
    // So few that their streams do not keep each other waiting.
    for (let first = 0; first < count; first += SILENT_AT_A_TIME) {
      const size = Math.min(SILENT_AT_A_TIME, count - first);
      verdicts.push(
        ...(await Promise.all(Array.from({ length: size }, (_, index) => race(`silent-${first + index}`)))),
      );
    }
    // What they lost and no later one of them got.
    arena.crewOf(["heir"], count);
    return verdicts;
  });
}

/** Analyzers that open a second session, and answer the same lease on both. */
export function raceSessions(count: number, seed: number): Promise<RacesReport> {
  return onTrack(seed, async ({ arena, client }) => {
    const race = async (id: string): Promise<"accepted" | "stale" | undefined> => {
      const { racer, lease } = await withLease(arena, client, id);
      const second = new Racer(client, arena.checker, id, { held: [lease] }, () => {});
      racer.complete(lease);
      second.complete(lease);
      await eventually(() => second.receipts.has(lease.lease));
      await racer.ended;
      second.close();
      // The first session's result was recorded if the second's is stale, whether or not its receipt still came.
      return second.receipts.get(lease.lease);
    };
    const verdicts: ("accepted" | "stale" | undefined)[] = [];
    for (let index = 0; index < count; index++) verdicts.push(await race(`twice-${index}`));
    return verdicts;
  });
}

async function onTrack(
  seed: number,
  run: (track: Track) => Promise<readonly ("accepted" | "stale" | undefined)[]>,
): Promise<RacesReport> {
  await using arena = await Arena.open({ leaseMs: LEASE_MS });
  await arena.startNode();
  using client = new RawClient(arena.port);
  const verdicts = await run({ arena, client, random: new Random(seed) });
  const verdict = await arena.verdict(DRAIN_DEADLINE_MS);
  const count = (wanted: "accepted" | "stale" | undefined) => verdicts.filter((each) => each === wanted).length;
  return { ...verdict, seed, won: count("accepted"), lost: count("stale"), unanswered: count(undefined) };
}

/** A racer that holds the one task that it was given. */
async function withLease(
  arena: Arena,
  client: RawClient,
  id: string,
): Promise<{ readonly racer: Racer; readonly lease: RacedLease }> {
  let deliver: (lease: RacedLease) => void = () => {};
  const delivered = new Promise<RacedLease>((resolve) => {
    deliver = resolve;
  });
  const racer = new Racer(client, arena.checker, id, { maxInFlight: 1 }, deliver);
  racer.send({ credit: 1 });
  await submit(arena, 1, {});
  return { racer, lease: await delivered };
}

/** A new session that names the lease and answers it: the node says what became of it. */
async function answerAgain(
  arena: Arena,
  client: RawClient,
  id: string,
  lease: RacedLease,
): Promise<"accepted" | "stale" | undefined> {
  const racer = new Racer(client, arena.checker, id, { held: [lease] }, () => {});
  racer.complete(lease);
  await eventually(() => racer.receipts.has(lease.lease));
  racer.close();
  return racer.receipts.get(lease.lease);
}

async function submit({ address, checker }: Arena, count: number, input: TaskInput): Promise<void> {
  await using emitter = new Emitter({ address });
  const payload = Buffer.from(JSON.stringify({ workMs: 0, fails: 0, padding: "" }));
  const { retry, timeoutMs = 0 } = input;
  const maxAttempts = retry?.maxAttempts ?? 20;
  const submits = Array.from({ length: count }, async () => {
    const task = newId();
    checker.note({ kind: "asked", atMs: Date.now(), task, crc: crc32(payload), maxAttempts, timeoutMs });
    await emitter.submit({ ...input, id: task, queue: QUEUE, payload, retry: { maxAttempts } });
    checker.note({ kind: "answered", atMs: Date.now(), task, code: "OK" });
  });
  await Promise.all(submits);
}

/** Resolves when it holds, or when that takes too long: what is missing then is counted. */
async function eventually(holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + ANSWER_DEADLINE_MS;
  while (!holds() && performance.now() < untilMs) await sleep(5);
}
