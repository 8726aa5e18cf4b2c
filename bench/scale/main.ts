/** Entry of the scale benches: `npm run bench:scale -- backlog|analyzers|queues|payloads [options]`. */
import { benchCommand, UsageError } from "../history/command.ts";
import { analyzersBench } from "./analyzers.ts";
import { backlogBench } from "./backlog.ts";
import { payloadsBench } from "./payloads.ts";
import { queuesBench } from "./queues.ts";
import { commandNamed } from "./rig.ts";

const COMMANDS = {
  backlog: backlogBench,
  analyzers: analyzersBench,
  queues: queuesBench,
  payloads: payloadsBench,
};

async function main(): Promise<number> {
  try {
    const { command, args } = commandNamed(COMMANDS, process.argv.slice(2));
    return await benchCommand(command, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`Usage: npm run bench:scale -- BENCH [options]\n\n${error.message}`);
    return 2;
  }
}

process.exitCode = await main();
