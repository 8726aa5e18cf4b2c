/**
 * Submits the tasks of one phase.
 *
 *  P1  Closed loop: `inFlight` calls of `batch` tasks are under way, the next one follows an answer; none is begun that would
 *      put more than `maxBacklog` tasks between what was submitted and what was handled.
 *  P2  Open loop: every task is due at its time on a fixed schedule, whatever the answers do, and is stamped with that time.
 */
import { Schedule } from "../../schedule.ts";
import type { Producer } from "./adapter.ts";
import { machineMs } from "./machine-clock.ts";
import { PayloadMaker } from "./payload.ts";

/** What to submit in a closed loop. */
export interface ClosedPlan {
  readonly loop: "closed";
  readonly phase: number;
  /** Number of the first task. */
  readonly firstSequence: number;
  readonly payloadBytes: number;
  readonly batch: number;
  /** Calls under way. */
  readonly inFlight: number;
  /** Ends after this long, or ... */
  readonly durationMs: number;
  /** ... with this many tasks, whichever is first. */
  readonly maxTasks: number;
  /** Undefined = nobody takes tasks. */
  readonly maxBacklog?: number;
}

/** What to submit in an open loop. */
export interface OpenPlan {
  readonly loop: "open";
  readonly phase: number;
  readonly payloadBytes: number;
  readonly ratePerSecond: number;
  readonly tasks: number;
}

/** What was submitted, on the machine's clock. */
export interface Submitted {
  readonly tasks: number;
  readonly startMs: number;
  /** When the last answer came. */
  readonly endMs: number;
}

/** How far handlers are, as told from the other process. */
export class Progress {
  #phase = -1;
  #handled = 0;
  #waiting: (() => void)[] = [];

  get handled(): number {
    return this.#handled;
  }

  /** Handlers begin at 0. */
  begin(phase: number): void {
    this.#phase = phase;
    this.#handled = 0;
  }

  /** Handlers of a phase are so far; news of an earlier phase may come late. */
  set(phase: number, handled: number): void {
    if (phase !== this.#phase) return;
    this.#handled = handled;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `set`. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Calls back at most every millisecond with the number of tasks that are due, until all are; then resolves. */
export type Pace = (schedule: PaceRequest, due: (count: number) => void) => Promise<void>;

/** A schedule: task i at startMs + i / rate. */
export interface PaceRequest {
  readonly startMs: number;
  readonly ratePerSecond: number;
  readonly tasks: number;
}

/** Submits in a closed loop. */
export async function submitClosed(producer: Producer, plan: ClosedPlan, progress: Progress): Promise<Submitted> {
  const { phase, batch, maxTasks, maxBacklog = Number.POSITIVE_INFINITY } = plan;
  const maker = new PayloadMaker(plan.payloadBytes);
  const startMs = machineMs();
  const endMs = startMs + plan.durationMs;
  let tasks = 0;
  let failed = false;

  const keepSubmitting = async (): Promise<void> => {
    while (!failed) {
      while (tasks - progress.handled + batch > maxBacklog) await progress.change();
      const dueMs = machineMs();
      const count = dueMs >= endMs ? 0 : Math.min(batch, maxTasks - tasks);
      if (count <= 0) return;
      const first = plan.firstSequence + tasks;
      tasks += count;
      if (batch === 1) await producer.submit(maker.make({ dueMs, phase, sequence: first }));
      else {
        const payloads = Array.from({ length: count }, (_, i) => maker.make({ dueMs, phase, sequence: first + i }));
        await producer.submitBatch(payloads);
      }
    }
  };
  const fail = (error: unknown): never => {
    failed = true;
    throw error;
  };
  await Promise.all(Array.from({ length: plan.inFlight }, () => keepSubmitting().catch(fail)));
  return { tasks, startMs, endMs: machineMs() };
}

/** Submits in an open loop. Calls under way are not limited: to wait for a place would be to leave the schedule. */
export async function submitOpen(producer: Producer, plan: OpenPlan, pace: Pace): Promise<Submitted> {
  const { phase, ratePerSecond, tasks } = plan;
  const maker = new PayloadMaker(plan.payloadBytes);
  const startMs = machineMs() + START_DELAY_MS;
  const schedule = new Schedule(startMs, ratePerSecond);
  const calls: Promise<void>[] = [];
  await pace({ startMs, ratePerSecond, tasks }, (due) => {
    for (let sequence = calls.length; sequence < due; sequence++) {
      calls.push(producer.submit(maker.make({ dueMs: schedule.intendedMs(sequence), phase, sequence })));
    }
  });
  await Promise.all(calls);
  return { tasks: calls.length, startMs, endMs: machineMs() };
}

/** Between the making of a schedule and its first task: whoever keeps it has to be told first. */
const START_DELAY_MS = 50;
