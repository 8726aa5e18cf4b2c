/**
 * Makes submit calls, as fast as answers come (closed loop) or on a fixed schedule (open loop).
 *
 *  L1  Exactly the planned number of tasks is submitted, unless the time is up first.
 *  L2  At most emitters * inFlight calls are under way. In the open loop a call that has to wait for a free place keeps its
 *      intended time: the wait counts as latency.
 *  L3  The first call that fails ends the load with its error, after the calls under way.
 */
import { Schedule } from "./schedule.ts";
import { type Phase, stampPayload } from "./stamp.ts";

/** What to submit, and how. */
export interface LoadPlan {
  readonly phase: Phase;
  readonly tasks: number;
  /** 0 = until `tasks` are submitted. */
  readonly durationMs: number;
  readonly emitters: number;
  readonly inFlight: number;
  readonly batch: number;
  readonly payloadBytes: number;
  /** 0 = closed loop. */
  readonly ratePerSecond: number;
}

/** Time as the load sees it, monotonic. */
export interface LoadClock {
  nowMs(): number;
  sleepUntil(timeMs: number): Promise<void>;
}

/** Where the load goes. */
export interface LoadTarget {
  /** Submits tasks with these payloads; resolves when all are accepted. */
  submit(emitter: number, payloads: readonly Uint8Array[]): Promise<void>;
  /** A task was accepted. */
  accepted(intendedMs: number, nowMs: number): void;
}

/** Submits what is planned. Resolves with the number of tasks, all of them accepted. */
export function runLoad(plan: LoadPlan, target: LoadTarget, clock: LoadClock): Promise<number> {
  return plan.ratePerSecond > 0 ? openLoop(plan, target, clock) : closedLoop(plan, target, clock);
}

async function closedLoop(plan: LoadPlan, target: LoadTarget, clock: LoadClock): Promise<number> {
  const endMs = plan.durationMs > 0 ? clock.nowMs() + plan.durationMs : Number.POSITIVE_INFINITY;
  let submitted = 0;
  let failed = false;

  const keepSubmitting = async (emitter: number): Promise<void> => {
    while (!failed) {
      const nowMs = clock.nowMs();
      const count = nowMs >= endMs ? 0 : Math.min(plan.batch, plan.tasks - submitted);
      if (count === 0) return;
      submitted += count;
      try {
        await submitOnce(plan, target, clock, emitter, Array<number>(count).fill(nowMs));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const places = Array.from({ length: plan.emitters * plan.inFlight }, (_, place) => place % plan.emitters);
  await allSettled(places.map(keepSubmitting));
  return submitted;
}

async function openLoop(plan: LoadPlan, target: LoadTarget, clock: LoadClock): Promise<number> {
  const schedule = new Schedule(clock.nowMs(), plan.ratePerSecond);
  const planned = Math.ceil((plan.durationMs / 1000) * plan.ratePerSecond);
  const tasks = plan.durationMs > 0 ? Math.min(plan.tasks, planned) : plan.tasks;
  const underWay = new Set<Promise<void>>();
  const places = plan.emitters * plan.inFlight;
  const failures: unknown[] = [];
  let submitted = 0;
  let calls = 0;

  while (submitted < tasks && failures.length === 0) {
    const due = Math.min(tasks, schedule.due(clock.nowMs()));
    if (due === submitted) {
      await clock.sleepUntil(schedule.intendedMs(submitted));
      continue;
    }
    if (underWay.size >= places) {
      await Promise.race(underWay);
      continue;
    }
    const first = submitted;
    const count = Math.min(plan.batch, due - first);
    const intendedMs = Array.from({ length: count }, (_, index) => schedule.intendedMs(first + index));
    submitted += count;
    const call: Promise<void> = submitOnce(plan, target, clock, calls++ % plan.emitters, intendedMs)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(call));
    underWay.add(call);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
  return submitted;
}

async function submitOnce(
  plan: LoadPlan,
  target: LoadTarget,
  clock: LoadClock,
  emitter: number,
  intendedMs: readonly number[],
): Promise<void> {
  const payloads = intendedMs.map((timeMs) => stampPayload(plan.payloadBytes, plan.phase, timeMs));
  await target.submit(emitter, payloads);
  const nowMs = clock.nowMs();
  for (const timeMs of intendedMs) target.accepted(timeMs, nowMs);
}

/** Waits for all, then throws the first error. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === "rejected") throw result.reason;
  }
}
