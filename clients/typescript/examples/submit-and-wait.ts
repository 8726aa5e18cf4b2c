/**
 * Submits a task, works on it in the same process, and prints its result.
 *
 *   SLUICE_ADDRESS=127.0.0.1:7070 node dist/clients/typescript/examples/submit-and-wait.js
 */
import { Analyzer, Emitter } from "@sluice/client";

const { SLUICE_ADDRESS: address } = process.env;
const queue = "example-greetings";

const analyzer = new Analyzer({
  address,
  queues: queue,
  handlers: (task) => ({ greeting: `Hello ${task.json<{ name: string }>().name}` }),
});
await analyzer.start();

const emitter = new Emitter({ address });
const handle = await emitter.submit({ queue, payload: { name: "Ada" } });
console.log(`accepted ${handle.id}`);

const outcome = await handle.result({ timeoutMs: 10_000 });
console.log(outcome.json<{ greeting: string }>().greeting);

await analyzer.close();
await emitter.close();
