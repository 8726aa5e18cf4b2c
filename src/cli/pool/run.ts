/** Runs a pool until it is told to stop: supervisor, control socket, and the question to the node again and again. */
import { setTimeout as wait } from "node:timers/promises";
import { Admin, SluiceClientError, type StatusName } from "@sluice/client";
import { asCommandError, noNodeAt } from "../client/errors.ts";
import { printNotice, type Terminal } from "../terminal.ts";
import { serveControl } from "./control-server.ts";
import { openRuntimeDirectory, runtimeDirectory, socketPath } from "./runtime-directory.ts";
import { type PoolSettings, Supervisor } from "./supervisor.ts";

/** How to run a pool. */
export interface RunPoolSettings extends Omit<PoolSettings, "say" | "surroundings"> {
  readonly targetWaitMs: number;
  /** Between two questions to the node. */
  readonly intervalMs: number;
  /** Resolves when the pool shall stop. */
  readonly stopped: Promise<unknown>;
}

/** Answers that would be the same the next time. */
const FINAL: readonly StatusName[] = ["INVALID_ARGUMENT", "UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"];

/** Runs a pool. Resolves with the exit status when all its analyzers have ended; rejects when the node refuses it. */
export async function runPool(settings: RunPoolSettings, terminal: Terminal): Promise<number> {
  const { queue, min, max } = settings;
  const directory = runtimeDirectory(terminal);
  openRuntimeDirectory(directory);
  const say = (line: string): void => printNotice(terminal, line);
  const surroundings = { directory: terminal.directory, env: { ...terminal.env } };
  const supervisor = new Supervisor({ ...settings, surroundings, say });
  await using _control = await serveControl(socketPath(directory, queue), queue, supervisor);
  // Also when a second signal ends this process.
  process.once("exit", () => supervisor.endAtOnce());
  say(`pool of queue ${queue}: ${min} to ${max} analyzers`);

  const over = new AbortController();
  void settings.stopped.then(() => {
    say("finishing what runs; a second signal ends at once");
    over.abort();
    supervisor.stop();
  });
  let refusal: unknown;
  const asking = ask(supervisor, settings, over.signal).catch((error: unknown) => {
    refusal = error;
    supervisor.stop();
  });
  const status = await supervisor.run();
  over.abort();
  await asking;
  if (refusal !== undefined) throw refusal;
  say("stopped: every analyzer has ended");
  return status;
}

/** Asks the node how many analyzers it wants until the signal. Rejects when it never will say. */
async function ask(supervisor: Supervisor, settings: RunPoolSettings, signal: AbortSignal): Promise<void> {
  const { addresses, queue, targetWaitMs, intervalMs } = settings;
  await using admin = new Admin({ address: addresses });
  while (!signal.aborted) {
    try {
      const scaling = await admin.scaling(queue, targetWaitMs);
      if (!signal.aborted) supervisor.want(scaling);
    } catch (error) {
      if (!(error instanceof SluiceClientError)) throw error;
      if (FINAL.includes(error.code)) throw asCommandError(error, addresses);
      const isAway = error.code === "UNAVAILABLE";
      if (!signal.aborted) supervisor.lost(`waiting: ${isAway ? noNodeAt(addresses) : error.message}`);
    }
    await wait(intervalMs, undefined, { signal }).catch(() => {});
  }
}
