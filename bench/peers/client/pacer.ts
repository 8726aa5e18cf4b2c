/**
 * Keeps a schedule to some tens of microseconds without using up a core. The timers of Node.js count whole milliseconds,
 * which would be most of a latency that is measured in fractions of one; so a thread of its own sleeps until a task is due,
 * and wakes the thread that submits.
 */
import { Worker } from "node:worker_threads";
import type { PaceRequest } from "./producing.ts";

const WORKER = new URL("./pace-worker.js", import.meta.url);

/** See `Pace`. */
export function keepPace(request: PaceRequest, due: (count: number) => void): Promise<void> {
  const worker = new Worker(WORKER, { workerData: request });
  return new Promise((resolve, reject) => {
    worker.on("message", (count: number) => {
      try {
        due(count);
      } catch (error) {
        reject(error);
      }
    });
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
}
