/**
 * Finds tasks that have failed for good, says why, and gives them another chance after the cause is mended.
 *
 *   SLUICE_ADDRESS=127.0.0.1:7070 node dist/clients/typescript/examples/dead-letters.js
 */
import { Admin, Analyzer, Emitter, TaskFailedError } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";

const { SLUICE_ADDRESS: address } = process.env;
const queue = "example-invoices";

let mended = false;
const analyzer = new Analyzer({
  address,
  queues: queue,
  handlers: (task) => {
    if (!mended) throw new Error("no tax rate for 2027");
    return `invoice ${task.text()} sent`;
  },
});
await analyzer.start();

const emitter = new Emitter({ address });
const handle = await emitter.submit({ queue, payload: "4711", retry: { maxAttempts: 2, initialBackoffMs: 20 } });
const failure = await handle.result({ timeoutMs: 10_000 }).catch((error: unknown) => error);
console.log(failure instanceof TaskFailedError ? failure.message : `unexpected: ${String(failure)}`);

const admin = new Admin({ address });
const filter = { queue, states: [TaskState.FAILED] };
for await (const task of admin.allTasks({ filter, summary: true })) {
  console.log(`dead letter ${task.spec?.id}: ${task.error?.message}, ${task.history.length} attempts`);
}

mended = true;
const { retried } = await admin.retryTasks({ filter });
console.log(`${retried} put back`);
console.log((await handle.result({ timeoutMs: 10_000 })).text());

await analyzer.close();
await emitter.close();
await admin.close();
