/**
 * One run: start a node if none is named, warm up, submit, wait until the node has recorded every completion, report.
 *
 *  R1  A report is only made of a complete run: every task was accepted, handled and recorded as completed.
 *  R2  Whatever happens, clients are closed and a node of our own is stopped.
 */
import { randomUUID } from "node:crypto";
import { ownCpuMs } from "./cpu.ts";
import { environment } from "./environment.ts";
import { type LoadTarget, runLoad } from "./load.ts";
import { Measure } from "./measure.ts";
import { monotonicMs, sleepUntil } from "./monotonic.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";
import type { BenchOptions } from "./options.ts";
import { Parties } from "./parties.ts";
import { durabilityOf, type Report } from "./report.ts";
import { compareShares } from "./shares.ts";

/** A run in which nothing was completed for this long has failed. */
const STALL_MS = 30_000;
/** How often the node is asked how far it is, once everything is submitted. The end of a run is known to this. */
const POLL_MS = 10;

const clock = { nowMs: monotonicMs, sleepUntil };

/**
 * Runs the bench once.
 *
 * @param program path of the built command line, for a node of our own
 */
export async function runBench(options: BenchOptions, program: string): Promise<Report> {
  if (options.address !== undefined) return await measureNode(options, options.address, undefined);
  const node = await startNodeProcess(program, options.store);
  try {
    return await measureNode(options, node.address, node);
  } finally {
    await node.stop();
  }
}

async function measureNode(options: BenchOptions, address: string, node: NodeProcess | undefined): Promise<Report> {
  const measure = new Measure(options.weights.length);
  const parties = new Parties(options, address, `bench-${randomUUID()}`, measure);
  try {
    await parties.start();
    await warmUp(options, parties);

    const before = { startMs: monotonicMs(), clientCpuMs: ownCpuMs(), nodeCpuMs: node?.cpuMs() };
    const target: LoadTarget = {
      submit: (emitter, payloads) => parties.submit(emitter, payloads),
      accepted: (intendedMs, nowMs) => measure.recordAccepted(intendedMs, nowMs),
    };
    const tasks = await runLoad({ ...options, phase: "measured" }, target, clock);
    await allCompleted(parties, options.warmup + tasks);
    const endMs = monotonicMs();
    const clientCpuMs = ownCpuMs() - before.clientCpuMs;
    const nodeCpuMs = difference(before.nodeCpuMs, node?.cpuMs());

    const { version, store } = await parties.progress();
    const submitSeconds = (measure.lastAcceptedMs - before.startMs) / 1000;
    const endToEndSeconds = (endMs - before.startMs) / 1000;
    return {
      environment: environment(),
      node: { version, store, durability: durabilityOf(store) },
      options,
      tasks,
      submitSeconds,
      submittedPerSecond: tasks / submitSeconds,
      endToEndSeconds,
      completedPerSecond: tasks / endToEndSeconds,
      submitLatencyMs: measure.submitLatency(),
      handlerLatencyMs: measure.handlerLatency(),
      repeatedDeliveries: measure.handledInAll - tasks,
      shares: compareShares(options.weights, measure.handled),
      cpuMicrosPerTask: {
        client: (clientCpuMs * 1000) / tasks,
        node: nodeCpuMs === undefined ? undefined : (nodeCpuMs * 1000) / tasks,
      },
    };
  } finally {
    await parties.close();
  }
}

/** Compilers and caches settle: neither code nor sockets are what they are after a start. */
async function warmUp(options: BenchOptions, parties: Parties): Promise<void> {
  if (options.warmup === 0) return;
  const target: LoadTarget = {
    submit: (emitter, payloads) => parties.submit(emitter, payloads),
    accepted: () => {},
  };
  const plan = { ...options, phase: "warmup", tasks: options.warmup, durationMs: 0, ratePerSecond: 0 } as const;
  await runLoad(plan, target, clock);
  await allCompleted(parties, options.warmup);
}

/** Resolves when the node has recorded this many completions; rejects when it gets no further. */
async function allCompleted(parties: Parties, tasks: number): Promise<void> {
  let best = -1;
  let bestMs = monotonicMs();
  while (true) {
    const { completed } = await parties.progress();
    if (completed >= tasks) return;
    const nowMs = monotonicMs();
    if (completed > best) {
      best = completed;
      bestMs = nowMs;
    } else if (nowMs - bestMs > STALL_MS) {
      throw new Error(`the node has completed ${completed} of ${tasks} tasks and none for ${STALL_MS} ms`);
    }
    await sleepUntil(nowMs + POLL_MS);
  }
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
}
