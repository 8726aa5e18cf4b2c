/**
 * Seeds over several threads: each takes the next part of them when it is done with one.
 */
import { Worker } from "node:worker_threads";
import { type BatchInput, type BatchReport, mergeReports } from "./batch.ts";

/** Seeds that a thread takes at a time: a second's work. */
const SEEDS_AT_A_TIME = 200;

/** Short-lived garbage is most of what a simulation makes: with room for it, little has to be collected. */
const YOUNG_GENERATION_MB = 64;

/** Called when a part is done, with what was done so far. */
export type Progress = (done: readonly BatchReport[]) => void;

/** Runs seeds on `workers` threads, whose program is `file`: it must answer each `BatchInput` with a `BatchReport`. */
export async function runCrew(input: BatchInput, workers: number, file: URL, progress: Progress): Promise<BatchReport> {
  const parts: BatchInput[] = [];
  for (let done = 0; done < input.count; done += SEEDS_AT_A_TIME) {
    const count = Math.min(SEEDS_AT_A_TIME, input.count - done);
    parts.push({ from: input.from + done, count, steps: input.steps });
  }
  const reports: BatchReport[] = [];
  const onReport = (report: BatchReport) => {
    reports.push(report);
    progress(reports);
  };
  await Promise.all(Array.from({ length: workers }, () => employ(file, parts, onReport)));
  return mergeReports(reports);
}

function employ(file: URL, parts: BatchInput[], onReport: (report: BatchReport) => void): Promise<void> {
  const worker = new Worker(file, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
  return new Promise((resolve, reject) => {
    const next = () => {
      const part = parts.shift();
      if (part !== undefined) worker.postMessage(part);
      else worker.terminate().then(() => resolve(), reject);
    };
    worker.on("message", (report: BatchReport) => {
      onReport(report);
      next();
    });
    worker.once("error", reject);
    next();
  });
}
