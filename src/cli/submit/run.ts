/** Submits the tasks of a source and says what became of them. */
import { performance } from "node:perf_hooks";
import { Emitter, type SubmitSummary, type TaskInput } from "@sluice/client";
import { asCommandError } from "../client/errors.ts";
import { outageNotices } from "../client/outage-notices.ts";
import { CommandError, EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { formatCount, formatDuration, formatPlural } from "../output/figures.ts";
import { ProgressBar } from "../output/progress-bar.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { openTraces, type Traces } from "../tracing/traces.ts";
import type { Reading, TaskSource } from "./sources.ts";

/** How to submit. */
export interface SubmitSettings {
  readonly addresses: readonly string[];
  readonly json: boolean;
  /** Ends the run early; what was accepted until then is reported. */
  readonly signal: AbortSignal;
}

/** Name in traces, unless OTEL_SERVICE_NAME says otherwise. */
const SERVICE = "sluice-emitter";
/** Problems shown in words; the rest is only counted. */
const MAX_SHOWN_PROBLEMS = 10;

/** A task that the node did not get or did not take. */
interface Problem {
  readonly place: string;
  readonly problem: string;
}

/** Submits one task and prints its id. Resolves with the exit status. */
export async function submitOne(task: TaskInput, settings: SubmitSettings, terminal: Terminal): Promise<number> {
  const say = (line: string): void => printNotice(terminal, line);
  await using traces = await openTraces(SERVICE, terminal.env, say);
  const emitter = patientEmitter(settings, traces, say);
  try {
    const { id, duplicate } = await emitter.submit(task, { signal: settings.signal });
    printLine(terminal, settings.json ? JSON.stringify({ id, duplicate }) : id);
    if (duplicate && !settings.json) printNotice(terminal, "the same task had been accepted before");
    await emitter.close();
    return EXIT_OK;
  } catch (error) {
    if (settings.signal.aborted) throw new CommandError("interrupted before the task was accepted");
    throw asCommandError(error, settings.addresses);
  }
}

/**
 * Submits every task of a source and prints a summary. Resolves with the exit status: 1 when a task was not accepted.
 * @param open makes the source
 */
export async function submitAll(
  open: (reading: Reading) => TaskSource,
  settings: SubmitSettings,
  terminal: Terminal,
): Promise<number> {
  const problems: Problem[] = [];
  let badLines = 0;
  const badLine: Reading["badLine"] = (place, problem) => {
    badLines += 1;
    if (problems.length < MAX_SHOWN_PROBLEMS) problems.push({ place, problem });
  };
  const { total, tasks } = open({ terminal, signal: settings.signal, badLine });
  const startMs = performance.now();
  const summary = await submitShowingProgress(tasks, total, settings, terminal);
  for (const { index, error } of summary.failed.slice(0, MAX_SHOWN_PROBLEMS - problems.length)) {
    problems.push({ place: `task ${index + 1}`, problem: `${error.message} (${error.code})` });
  }
  const { accepted, duplicates, failures } = summary;
  const elapsedMs = Math.round(performance.now() - startMs);
  const outcome: Outcome = { accepted, duplicates, failed: failures + badLines, problems, elapsedMs };
  if (settings.json) printLine(terminal, JSON.stringify(outcome));
  else printOutcome(outcome, terminal);
  return outcome.failed === 0 ? EXIT_OK : EXIT_FAILED;
}

async function submitShowingProgress(
  tasks: TaskSource["tasks"],
  total: number | undefined,
  settings: SubmitSettings,
  terminal: Terminal,
): Promise<SubmitSummary> {
  const bar = new ProgressBar(terminal.err, () => performance.now());
  const startMs = performance.now();
  let accepted = 0;
  const onProgress = (count: number): void => {
    accepted = count;
    const rate = count / Math.max(0.001, (performance.now() - startMs) / 1000);
    bar.update(count, total, `${formatCount(rate)}/s`);
  };
  const say = (line: string): void => bar.note(line);
  await using traces = await openTraces(SERVICE, terminal.env, say);
  const emitter = patientEmitter(settings, traces, say);
  try {
    const summary = await emitter.submitMany(tasks, { signal: settings.signal, onProgress });
    await emitter.close();
    return summary;
  } catch (error) {
    // The emitter is not closed here: it would go on trying to send what is on its way.
    const until = `${formatPlural(accepted, "task")} accepted until then`;
    if (settings.signal.aborted) throw new CommandError(`interrupted; ${until}`);
    if (error instanceof CommandError) throw new CommandError(`${error.message}; ${until}`);
    throw asCommandError(error, settings.addresses);
  } finally {
    bar.clear();
  }
}

interface Outcome {
  readonly accepted: number;
  readonly duplicates: number;
  readonly failed: number;
  readonly problems: readonly Problem[];
  readonly elapsedMs: number;
}

function printOutcome(outcome: Outcome, terminal: Terminal): void {
  const { accepted, duplicates, failed, problems, elapsedMs } = outcome;
  for (const { place, problem } of problems) printNotice(terminal, `${place}: ${problem}`);
  if (failed > problems.length) printNotice(terminal, `... and ${formatPlural(failed - problems.length, "more task")}`);
  const rate = accepted / Math.max(0.001, elapsedMs / 1000);
  const facts = [
    `${formatPlural(accepted, "task")} accepted in ${formatDuration(elapsedMs)} (${formatCount(rate)}/s)`,
    ...(duplicates > 0 ? [`${formatCount(duplicates)} of them had been accepted before`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} not accepted`] : []),
  ];
  printLine(terminal, facts.join(", "));
}

/** People stop a command by hand when they have waited enough. */
function patientEmitter(settings: SubmitSettings, { tracing }: Traces, say: (line: string) => void): Emitter {
  return new Emitter({
    address: settings.addresses,
    tracing,
    logger: outageNotices(say, settings.addresses),
    retry: { giveUpMs: Number.POSITIVE_INFINITY },
  });
}
