/**
 * Data files that somebody has damaged: a real node is started on a copy with flipped bits, blank or foreign blocks, or its
 * end cut off. It may refuse, with a message; it may serve what is right; it may stop with a message when it finds the damage
 * later. It must not serve anything else.
 */
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SluiceClientError } from "@sluice/client";
import { Random } from "../sim/random.ts";
import { Arena } from "./arena.ts";
import type { Finding } from "./history.ts";

/** How a node took its damage. */
export type Reaction =
  /** It did not start, and said why. */
  | "refused"
  /** It started, found the damage later, said so and ended. */
  | "stopped"
  /** Everything was there and right. */
  | "served"
  /** It ended without a word, such as by a segmentation fault. */
  | "crashed"
  /** It served something wrong, or less than there was. */
  | "lied";

/** What was done to which file, and what came of it. */
export interface Trial {
  readonly damage: string;
  readonly reaction: Reaction;
  /** What the node said, or what was wrong. */
  readonly detail: string;
}

/** What came of all. */
export interface DamageReport {
  readonly seed: number;
  readonly trials: number;
  readonly reactions: Readonly<Record<Reaction, number>>;
  /** Of those that crashed or lied. */
  readonly failures: readonly Trial[];
}

/** A data directory, and what is in it. */
interface Original extends Disposable {
  readonly directory: string;
  readonly truth: ReadonlyMap<string, Finding>;
}

const BLOCK_BYTES = 4096;
const SECTOR_BYTES = 512;
const TASKS = 400;
const DRAIN_DEADLINE_MS = 60_000;
const SETTLE_DEADLINE_MS = 120_000;

/** Runs so many trials, half of them on what an orderly stop has left behind, half on what kill -9 has. */
export async function runDamage(trials: number, seed: number, say: (line: string) => void): Promise<DamageReport> {
  const random = new Random(seed);
  using closed = await makeOriginal("SIGTERM");
  using killed = await makeOriginal("SIGKILL");
  const reactions = { refused: 0, stopped: 0, served: 0, crashed: 0, lied: 0 };
  const failures: Trial[] = [];
  for (let count = 0; count < trials; count++) {
    const trial = await runTrial(count % 2 === 0 ? closed : killed, random);
    reactions[trial.reaction] += 1;
    say(`${trial.damage}: ${trial.reaction}: ${trial.detail}`);
    if (trial.reaction === "crashed" || trial.reaction === "lied") failures.push(trial);
  }
  return { seed, trials, reactions, failures };
}

/** A directory with tasks that wait and tasks that are done. */
async function makeOriginal(end: "SIGTERM" | "SIGKILL"): Promise<Original> {
  await using arena = await Arena.open();
  await arena.startNode();
  const emitter = arena.emitter({ perSecond: 400, workMs: 0 });
  const crew = arena.crewOf(["a"]);
  await until(() => arena.checker.deliveries() >= TASKS / 2);
  await arena.killClient(crew);
  const half = arena.checker.accepted;
  await until(() => arena.checker.accepted >= half + TASKS / 2);
  await emitter.flush();
  await emitter.close();
  // What the dead analyzer held is waiting again after its grace.
  await until(async () => (await arena.list()).every(({ state }) => state === "PENDING" || state === "COMPLETED"));
  const truth = new Map((await arena.list()).map((finding) => [finding.task, finding]));
  arena.node.kill(end);
  await arena.node.ended;
  const directory = mkdtempSync(join(tmpdir(), "sluice-damage-"));
  cpSync(arena.dataDirectory, directory, { recursive: true });
  return { directory, truth, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

async function runTrial(original: Original, random: Random): Promise<Trial> {
  await using arena = await Arena.open();
  cpSync(original.directory, arena.dataDirectory, { recursive: true });
  const damage = doDamage(arena.dataDirectory, random);
  const node = arena.launchNode();
  const started = await Promise.race([
    node.says('"event":"node.started"').then(
      () => true,
      () => false,
    ),
    node.ended,
  ]);
  if (started !== true) return { damage, ...(await lastWords(arena, "refused")) };
  try {
    const lie = (await firstLie(arena, original.truth)) ?? (await firstFailure(arena, original.truth));
    return { damage, reaction: lie === undefined ? "served" : "lied", detail: lie ?? "all is there" };
  } catch (error) {
    // The node went away in the middle of an answer.
    if (!(error instanceof SluiceClientError)) throw error;
    return { damage, ...(await lastWords(arena, "stopped")) };
  }
}

/** What a node said that has ended, or is about to. */
async function lastWords(arena: Arena, reaction: "refused" | "stopped"): Promise<Omit<Trial, "damage">> {
  const { status, out } = await arena.node.ended;
  const message = /"event":"node.failed".*"msg":"([^"]+)"/.exec(out)?.[1];
  if (status === 1 && message !== undefined) return { reaction, detail: message };
  return { reaction: "crashed", detail: `ended with ${status}` };
}

/** The first thing that the node says of its tasks and that is not so. */
async function firstLie(arena: Arena, truth: Original["truth"]): Promise<string | undefined> {
  const found = new Map((await arena.list()).map((finding) => [finding.task, finding]));
  for (const [task, wanted] of truth) {
    const finding = found.get(task) ?? (await arena.find(task));
    if (finding === undefined) return `${task} is missing`;
    if (finding.state !== wanted.state || finding.crc !== wanted.crc || finding.lease !== wanted.lease) {
      return `${task} is ${finding.state} by lease ${finding.lease}, not ${wanted.state} by lease ${wanted.lease}`;
    }
    if (!found.has(task)) return `${task} is in no list`;
  }
  for (const task of found.keys()) if (!truth.has(task)) return `${task} was never submitted`;
  return undefined;
}

/** Lets analyzers do what waits: the first task that does not get done. */
async function firstFailure(arena: Arena, truth: Original["truth"]): Promise<string | undefined> {
  arena.crewOf(["a", "b"]);
  if (!(await arena.drained(DRAIN_DEADLINE_MS))) return "the queue does not run empty";
  const found = new Map((await arena.list()).map((finding) => [finding.task, finding]));
  for (const [task, { crc }] of truth) {
    const finding = found.get(task);
    if (finding?.state !== "COMPLETED" || finding.crc !== crc) return `${task} was not done: ${finding?.state}`;
  }
  return undefined;
}

/** Damages one file of a data directory. Returns what it did. */
function doDamage(directory: string, random: Random): string {
  const files = readdirSync(directory).filter((name) => name === "data.mdb" || name.startsWith("log."));
  const name = random.pick(files.filter((file) => statSync(join(directory, file)).size > 0)) ?? "data.mdb";
  const path = join(directory, name);
  const { size } = statSync(path);
  const at = random.int(0, size - 1);
  const kind = random.int(0, name === "data.mdb" ? 4 : 3);
  switch (kind) {
    case 0:
    case 1: {
      const bit = random.int(0, 7);
      change(path, at, 1, (bytes) => bytes.writeUInt8(bytes.readUInt8() ^ (1 << bit)));
      return `${name}: bit ${bit} of byte ${at} of ${size} flipped`;
    }
    case 2: {
      const start = at - (at % BLOCK_BYTES);
      change(path, start, Math.min(BLOCK_BYTES, size - start), (bytes) => bytes.fill(0));
      return `${name}: block at ${start} of ${size} blank`;
    }
    case 3: {
      const start = at - (at % SECTOR_BYTES);
      change(path, start, Math.min(SECTOR_BYTES, size - start), (bytes) => {
        for (let index = 0; index < bytes.length; index++) bytes[index] = random.int(0, 255);
      });
      return `${name}: sector at ${start} of ${size} foreign`;
    }
    default:
      truncateSync(path, at);
      return `${name}: cut off at ${at} of ${size}`;
  }
}

function change(path: string, at: number, length: number, edit: (bytes: Buffer) => unknown): void {
  const file = openSync(path, "r+");
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, at);
  edit(bytes);
  writeSync(file, bytes, 0, length, at);
  closeSync(file);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + SETTLE_DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error("the tasks for the trials were not made in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
