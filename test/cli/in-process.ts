/**
 * Runs a command in the test's own process, from the sources: what a process of its own costs is mostly its start.
 *
 * Not for commands that watch signals (serve, work, submit, dispatch, demo, and what watches or waits): they would hear the
 * test runner's. That the built program does the same is for the tests that start it.
 */
import { runProgram } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { collectingTerminal } from "../../src/cli/testing/collecting-terminal.ts";
import type { Ended } from "./program.ts";

/** Runs one command to its end. */
export async function runInProcess(
  args: readonly string[],
  surroundings: Partial<Pick<Terminal, "env" | "directory">> = {},
): Promise<Ended> {
  const terminal = collectingTerminal(surroundings);
  const status = await runProgram(args, terminal, "");
  return { status, out: terminal.out.text, err: terminal.err.text };
}
