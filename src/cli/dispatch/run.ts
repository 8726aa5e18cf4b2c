/**
 * Submits the tasks of a file, waits for all of them, and says what became of them.
 *
 *  D1  The node gets the tasks in the order of the file.
 *  D2  Whatever ends the waiting, every task is in the report; what had not ended is `open` and goes on at the node.
 */
import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { Emitter, SluiceClientError, SubmitError, TaskCancelledError, TaskFailedError } from "@sluice/client";
import { outageNotices } from "../client/outage-notices.ts";
import { EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { paletteFor } from "../output/colour.ts";
import { formatDuration, formatPlural } from "../output/figures.ts";
import { ProgressBar } from "../output/progress-bar.ts";
import { interruptedStatus, type StopReason } from "../signals.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { type Ending, endingOf, type Outcome } from "./ending.ts";
import type { DispatchFile, DispatchTask } from "./file.ts";
import { isFine, reportJson, reportLines } from "./report.ts";

/** How to dispatch. */
export interface DispatchSettings {
  readonly addresses: readonly string[];
  readonly json: boolean;
  /** Somebody has waited enough. */
  readonly stopped: Promise<StopReason>;
}

/** Names of open tasks said at the end; more are counted. */
const MAX_NAMED = 10;
/** Further users of a signal that every task listens to. */
const OWN_LISTENERS = 10;

/** Why the waiting ended before the tasks did. */
type EarlyEnd = { readonly kind: "timeout" } | { readonly kind: "stopped"; readonly reason: StopReason };

/** Runs a file. Resolves with the exit status: 1 when a task is not as it should be, 130 or 143 after a signal. */
export async function dispatch(file: DispatchFile, settings: DispatchSettings, terminal: Terminal): Promise<number> {
  const waiting = new AbortController();
  setMaxListeners(2 * file.tasks.length + OWN_LISTENERS, waiting.signal);
  let early: EarlyEnd | undefined;
  const endEarly = (end: EarlyEnd): void => {
    early ??= end;
    waiting.abort();
  };
  settings.stopped.then(
    (reason) => endEarly({ kind: "stopped", reason }),
    () => {},
  );
  const timer = file.timeoutMs === undefined ? undefined : setTimeout(endEarly, file.timeoutMs, { kind: "timeout" });

  const startMs = performance.now();
  const endings = await runTasks(file.tasks, settings, waiting.signal, terminal);
  clearTimeout(timer);
  const report = { endings, wallMs: performance.now() - startMs };
  const lines = settings.json ? [reportJson(report)] : reportLines(report, paletteFor(terminal.out, terminal.env));
  for (const line of lines) printLine(terminal, line);
  const open = endings.filter(({ state }) => state === "open");
  if (early !== undefined && open.length > 0) printNotice(terminal, openNotice(open, early, file.timeoutMs ?? 0));
  if (early?.kind === "stopped") return interruptedStatus(early.reason);
  return endings.every(isFine) ? EXIT_OK : EXIT_FAILED;
}

async function runTasks(
  tasks: readonly DispatchTask[],
  { addresses }: DispatchSettings,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<Ending[]> {
  const bar = new ProgressBar(terminal.err, () => performance.now());
  const emitter = new Emitter({
    address: addresses,
    logger: outageNotices((line) => bar.note(line), addresses),
    // People stop a command by hand, or by the file's timeout, when they have waited enough.
    retry: { giveUpMs: Number.POSITIVE_INFINITY },
    maxInFlightBatches: 1,
  });
  let ended = 0;
  bar.update(0, tasks.length, "tasks ended");
  const endings = await Promise.all(
    tasks.map(async (task) => {
      const ending = await runTask(task, emitter, signal);
      ended += 1;
      bar.update(ended, tasks.length, "tasks ended");
      return ending;
    }),
  );
  bar.clear();
  // After an early end it is left as it is: it would go on trying to send what the node did not take yet.
  if (!signal.aborted) await emitter.close();
  return endings;
}

async function runTask(task: DispatchTask, emitter: Emitter, signal: AbortSignal): Promise<Ending> {
  let id = "";
  try {
    const handle = await emitter.submit(task.input, { signal });
    id = handle.id;
    const { task: record } = await handle.result({ signal });
    return endingOf(task, id, { kind: "ended", task: record });
  } catch (error) {
    return endingOf(task, id, outcomeOf(error, signal));
  }
}

function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof TaskFailedError || error instanceof TaskCancelledError) {
    return { kind: "ended", task: error.task };
  }
  if (error instanceof SubmitError) return { kind: "refused", problem: `${error.message} (${error.code})` };
  if (signal.aborted) return { kind: "open" };
  if (error instanceof SluiceClientError) return { kind: "refused", problem: `${error.message} (${error.code})` };
  throw error;
}

function openNotice(open: readonly Ending[], early: EarlyEnd, timeoutMs: number): string {
  const reason = early.kind === "timeout" ? `not ended after ${formatDuration(timeoutMs)}` : "interrupted";
  const named = open
    .slice(0, MAX_NAMED)
    .map(({ name, id }) => (id === "" ? `${name} (not accepted yet)` : `${name} ${id}`));
  const more = open.length > MAX_NAMED ? [`and ${open.length - MAX_NAMED} more`] : [];
  return [
    `${reason}; ${formatPlural(open.length, "task")} still open, going on at the node ('sluice explain task ID' says why):`,
    ...[...named, ...more].map((line) => `  ${line}`),
  ].join("\n");
}
