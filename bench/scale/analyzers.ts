/**
 * What many analyzers cost: heartbeats and memory of thousands that are idle, and the dispatch rate to all of them at work
 * against that to four.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk, recordOf, Samples } from "../history/record.ts";
import { monotonicMs } from "../monotonic.ts";
import { againWithMoreFiles, fileLimits, perConnectionWithin } from "./open-files.ts";
import { RawAnalyzers } from "./raw-analyzer.ts";
import { ownNumber, PAYLOAD_BYTES, Rig, sluiceSubject } from "./rig.ts";

const QUEUE = "bench";
const ANALYZERS = 10_000;
const QUICK_ANALYZERS = 300;
const FEW = 4;
/** Tasks in hand: of each of the few, and of each of the many, where it is what weight 1 gives by default. */
const FEW_CREDIT = 100;
const MANY_CREDIT = 10;
const TASKS = 200_000;
const QUICK_TASKS = 5_000;
/** Three heartbeats of each. */
const IDLE_MS = 30_000;
const QUICK_IDLE_MS = 2_000;
const REPETITIONS = 5;
/** For connections to settle, and garbage of their making to go. */
const SETTLE_MS = 3_000;

/** One number of analyzers on a node. */
interface Scene {
  readonly subject: string;
  readonly count: number;
  readonly credit: number;
  readonly perConnection: number;
}

export const analyzersBench: BenchCommand = {
  kind: "analyzers",
  usage: `Usage: npm run bench:scale -- analyzers [options]

  --analyzers N       how many (default ${ANALYZERS})
  --per-connection N  of them on one connection (default 1; more if the limit of open files is too low)
${COMMON_USAGE}`,
  ownOptions: ["analyzers", "per-connection"],
  run: async ({ own, quick, repetitions = quick ? 2 : REPETITIONS }, log) => {
    if (!quick) assertRealDisk();
    const count = ownNumber(own, "analyzers", quick ? QUICK_ANALYZERS : ANALYZERS, 100_000);
    const wished = ownNumber(own, "per-connection", 1, 1000);
    const status = againWithMoreFiles(Math.ceil(count / wished));
    if (status !== undefined) process.exit(status);
    const perConnection = perConnectionWithin(count, wished, fileLimits().soft);
    const date = new Date().toISOString();
    const samples = new Samples();
    const tasks = quick ? QUICK_TASKS : TASKS;
    const few: Scene = { subject: "few", count: FEW, credit: FEW_CREDIT, perConnection: 1 };
    const many: Scene = { subject: "many", count, credit: MANY_CREDIT, perConnection };

    for (let repetition = 1; repetition <= repetitions; repetition++) {
      for (const scene of [few, many]) {
        log(`repetition ${repetition} of ${repetitions}: ${scene.count} analyzers`);
        // A node of its own each time: memory once used is not given back.
        await using rig = await Rig.start();
        await measureIdle(rig, scene, samples, quick ? QUICK_IDLE_MS : IDLE_MS);
        await measureDispatch(rig, scene, samples, tasks);
      }
    }
    return recordOf({
      kind: "analyzers",
      date,
      settings: { analyzers: count, perConnection, fewCredit: FEW_CREDIT, manyCredit: MANY_CREDIT, tasks },
      repetitions,
      subjects: [
        sluiceSubject("few", `${FEW} analyzers`),
        sluiceSubject("many", `${count.toLocaleString("en-US")} analyzers`),
      ],
      metrics: samples.metrics(),
      absent: [],
      notes: [
        `${Math.ceil(count / perConnection).toLocaleString("en-US")} connections with ${perConnection} analyzers on each; ` +
          `all in one client process (HTTP/2 without the SDK) beside the node, ${MANY_CREDIT} tasks in hand each ` +
          `(the ${FEW}: ${FEW_CREDIT}).`,
      ],
    });
  },
};

async function measureIdle(rig: Rig, scene: Scene, samples: Samples, idleMs: number): Promise<void> {
  // What every first connection loads and compiles is no cost of the others.
  await (await attach(rig, { ...scene, count: FEW, perConnection: 1 }, () => {}))[Symbol.asyncDispose]();
  await sleep(SETTLE_MS / 2);
  const before = rig.residentMiB();
  await using analyzers = await attach(rig, scene, () => {});
  await sleep(SETTLE_MS);
  const { subject } = scene;
  const perAnalyzer = ((rig.residentMiB() - before) * 1024) / scene.count;
  const startMs = monotonicMs();
  const cpuBefore = rig.node.cpuMs() ?? Number.NaN;
  await sleep(idleMs);
  const busy = ((rig.node.cpuMs() ?? Number.NaN) - cpuBefore) / (monotonicMs() - startMs);
  if (analyzers.attached < scene.count) throw new Error(`only ${analyzers.attached} of ${scene.count} stayed attached`);
  samples.add({ subject, name: "connections", unit: "", better: "neither" }, analyzers.connections);
  samples.add({ subject, name: "idle, of one core", unit: "%", better: "lower" }, busy * 100);
  // Of four it is all noise.
  if (scene.count > FEW) samples.add({ subject, name: "memory each", unit: "KiB", better: "lower" }, perAnalyzer);
}

/** All attached and waiting, all tasks there: from the moment the queue is let go until the last delivery. */
async function measureDispatch(rig: Rig, scene: Scene, samples: Samples, tasks: number): Promise<void> {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  let delivered = 0;
  let allDelivered = (): void => {};
  const onDelivery = (): void => {
    delivered += 1;
    if (delivered === tasks) allDelivered();
  };
  await using _analyzers = await attach(rig, scene, onDelivery);
  // The first round is the warm-up.
  for (const isMeasured of [false, true]) {
    await rig.admin.pauseQueue(QUEUE);
    await rig.submit(tasks, () => ({ queue: QUEUE, payload }));
    delivered = 0;
    const done = new Promise<void>((resolve) => {
      allDelivered = resolve;
    });
    const startMs = monotonicMs();
    await rig.admin.resumeQueue(QUEUE);
    await done;
    const rate = (tasks * 1000) / (monotonicMs() - startMs);
    if (isMeasured) samples.add({ subject: scene.subject, name: "dispatch", unit: "tasks/s", better: "higher" }, rate);
  }
}

function attach(rig: Rig, scene: Scene, onDelivery: () => void): Promise<RawAnalyzers> {
  const { count, perConnection, credit } = scene;
  return RawAnalyzers.attach({ address: rig.node.address, queue: QUEUE, count, perConnection, credit, onDelivery });
}
