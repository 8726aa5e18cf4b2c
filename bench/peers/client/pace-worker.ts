/** The thread of `pacer.ts`: sleeps until the next task is due, then says how many are. Ends with the last. */
import { parentPort, workerData } from "node:worker_threads";
import { Schedule } from "../../schedule.ts";
import { machineMs } from "./machine-clock.ts";
import type { PaceRequest } from "./producing.ts";

const { startMs, ratePerSecond, tasks }: PaceRequest = workerData;
const schedule = new Schedule(startMs, ratePerSecond);
/** Nobody ever notifies it: waiting on it is sleeping with the precision of the kernel's timers. */
const never = new Int32Array(new SharedArrayBuffer(4));

for (let told = 0; told < tasks; ) {
  const waitMs = schedule.intendedMs(told) - machineMs();
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  const due = Math.min(tasks, schedule.due(machineMs()));
  if (due === told) continue;
  parentPort?.postMessage(due);
  told = due;
}
