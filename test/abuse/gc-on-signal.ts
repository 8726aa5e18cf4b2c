/**
 * Loaded into a node under test (`--expose-gc --import`): on SIGUSR2 it collects what is garbage and says what is left.
 */
import { setImmediate as turn } from "node:timers/promises";

/** What a first collection finalizes, a later one frees; handles close in between. */
const ROUNDS = 4;

process.on("SIGUSR2", () => {
  void collect();
});

async function collect(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ event: "test.collected", liveBytes: heapUsed + external })}\n`);
}
