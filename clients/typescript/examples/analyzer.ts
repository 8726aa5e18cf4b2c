/**
 * An analyzer as a service would run it: a handler per task type, progress, cancellation, errors that say whether to try
 * again, and a clean stop. It gives itself some work and ends when that is done, or on SIGINT.
 *
 *   SLUICE_ADDRESS=127.0.0.1:7070 node dist/clients/typescript/examples/analyzer.js
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Analyzer, Emitter, type Handler, HandlerError } from "@sluice/client";

const { SLUICE_ADDRESS: address } = process.env;
const queue = "example-media";

/** Stops early when the task is cancelled, runs into its timeout, or the lease is lost: see `signal.reason`. */
const transcode: Handler = async (task, { signal, attempt, progress }) => {
  for (let percent = 0; percent < 100; percent += 25) {
    await sleep(20, undefined, { signal });
    progress(percent, `pass ${percent / 25 + 1} of 4`);
  }
  return { file: `${task.text()}.webm`, attempt };
};

/** Fails once for a reason that passes, and for good when the input is wrong. */
const probe: Handler = (task, { attempt }) => {
  if (task.text() === "") throw new HandlerError("no file named", { code: "NO_FILE", nonRetryable: true });
  if (attempt === 1) throw new Error("storage is busy");
  return "h264, 1920x1080";
};

const analyzer = new Analyzer({
  address,
  queues: queue,
  weight: 0.5,
  concurrency: 4,
  handlers: { transcode, probe },
  onEvent: (event) => {
    if (event.kind === "detached") console.log(`lost ${event.address}: ${event.error?.message ?? "drained"}`);
    if (event.kind === "taskFailed") console.log(`attempt ${event.attempt} failed: ${event.code} ${event.message}`);
  },
});
process.once("SIGINT", () => void analyzer.close());
await analyzer.start();

const emitter = new Emitter({ address });
const retry = { initialBackoffMs: 50 };
const handles = await Promise.all([
  emitter.submit({ queue, type: "transcode", payload: "holiday.mov", timeoutMs: 5000 }),
  emitter.submit({ queue, type: "probe", payload: "holiday.mov", retry }),
  emitter.submit({ queue, type: "probe", payload: "", retry }),
]);
for (const result of await Promise.allSettled(handles.map((handle) => handle.result({ timeoutMs: 10_000 })))) {
  console.log(result.status === "fulfilled" ? result.value.text() : String(result.reason));
}
await emitter.close();
await analyzer.close();
