/**
 * A well-behaved client in a process of its own: at a steady pace it submits a task, and hands it back completed as the
 * analyzer that gets it. What it measures is how long a task takes until it was both answered and delivered.
 *
 * Tasks are due by the clock and late ones count from when they were due, so that a node that stalls is charged for all that
 * waited. Arguments: port, tasks per second. Sends a message when it is ready; answers each message with the figures since the
 * last one.
 */
import { performance } from "node:perf_hooks";
import { Analyzer, Emitter } from "@sluice/client";
import type { ProbeFigures } from "./probe.ts";

const QUEUE = "probe";
const MAX_LATENCY_MS = 60_000;

const [port, perSecond] = process.argv.slice(2).map(Number);
if (port === undefined || perSecond === undefined) throw new Error("usage: prober PORT TASKS_PER_SECOND");
const intervalMs = 1000 / perSecond;

/** Two things must happen to a task: its answer and its delivery. */
const half = new Set<string>();
const dueOf = new Map<string, number>();
let latenciesMs: number[] = [];
let failures = 0;

function seen(id: string): void {
  if (!half.delete(id)) {
    half.add(id);
    return;
  }
  const dueMs = dueOf.get(id);
  dueOf.delete(id);
  if (dueMs !== undefined) latenciesMs.push(performance.now() - dueMs);
}

const address = `127.0.0.1:${port}`;
const retry = { giveUpMs: MAX_LATENCY_MS };
const emitter = new Emitter({ address, retry });
const analyzer = new Analyzer({
  address,
  queues: [QUEUE],
  id: "prober",
  concurrency: 1000,
  handlers: ({ id }) => seen(id),
});
await analyzer.start();

let nextMs = performance.now();
setInterval(() => {
  for (; nextMs <= performance.now(); nextMs += intervalMs) probe(nextMs);
}, 1);

let number = 0;
function probe(dueMs: number): void {
  const id = `00000000-0000-7000-8000-${(++number).toString(16).padStart(12, "0")}`;
  dueOf.set(id, dueMs);
  emitter.submit({ queue: QUEUE, id, payload: { number } }).then(
    () => seen(id),
    () => {
      dueOf.delete(id);
      failures += 1;
    },
  );
}

function take(): ProbeFigures {
  const nowMs = performance.now();
  // What is still under way has waited at least this long.
  const waitingMs = [...dueOf.values()].map((dueMs) => nowMs - dueMs);
  const sorted = [...latenciesMs, ...waitingMs.filter((ms) => ms > intervalMs * 10)].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const figures = { tasks: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), failures };
  latenciesMs = [];
  failures = 0;
  return figures;
}

process.on("message", () => process.send?.(take()));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
