/**
 * Four analyzers with the weights 0.4, 0.3, 0.2 and 0.1 share 2000 tasks.
 *
 *   SLUICE_ADDRESS=127.0.0.1:7070 node dist/clients/typescript/examples/weighted.js
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Admin, Analyzer, Emitter, type TaskInput } from "@sluice/client";

const { SLUICE_ADDRESS: address } = process.env;
const queue = "example-weighted";
const tasks = 2000;

let left = tasks;
let allDone = (): void => {};
const done = new Promise<void>((resolve) => {
  allDone = resolve;
});

const analyzers = [0.4, 0.3, 0.2, 0.1].map(
  (weight) =>
    new Analyzer({
      address,
      id: `example-${weight}`,
      queues: queue,
      weight,
      handlers: async () => {
        await sleep(1);
        if (--left === 0) allDone();
      },
    }),
);

// All work is there before anyone asks for it, so that only the weights decide.
const admin = new Admin({ address });
await admin.pauseQueue(queue);
const emitter = new Emitter({ address });
await emitter.submitMany(
  Array.from({ length: tasks }, (): TaskInput => ({ queue, type: "demo" })),
  {
    onProgress: (accepted) => console.log(`${accepted} accepted`),
  },
);
await Promise.all(analyzers.map((analyzer) => analyzer.start()));
await admin.resumeQueue(queue);
await done;

for (const analyzer of analyzers) {
  const { delivered } = analyzer.stats;
  console.log(`${analyzer.id}: ${delivered} tasks, ${((100 * delivered) / tasks).toFixed(1)} %`);
}
await Promise.all(analyzers.map((analyzer) => analyzer.close()));
await emitter.close();
await admin.close();
