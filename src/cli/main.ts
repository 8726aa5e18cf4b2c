#!/usr/bin/env -S node --max-semi-space-size=64
/** Entry of the `sluice` program: the only place that knows its arguments and ends it with a status. */
import { fileURLToPath } from "node:url";
import { runProgram } from "./program.ts";
import { processTerminal } from "./terminal.ts";

// Who reads the output may leave early, as `head` does: nobody is left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const status = await runProgram(process.argv.slice(2), processTerminal(), fileURLToPath(import.meta.url));
// Output to a pipe may still be on its way; and what keeps the loop alive now has no say.
process.stdout.write("", () => process.exit(status));
