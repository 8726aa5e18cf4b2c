/** Runs an analyzer until it is told to stop. */
import { Analyzer, type Handlers, SluiceClientError } from "@sluice/client";
import { asCommandError } from "../client/errors.ts";
import { EXIT_OK } from "../exit.ts";
import { formatCount, formatPlural } from "../output/figures.ts";
import { stopRequested } from "../signals.ts";
import { printNotice, type Terminal } from "../terminal.ts";
import { openTraces } from "../tracing/traces.ts";
import { eventNotices } from "./notices.ts";

/** The analyzer to run. What is undefined is left to the SDK's defaults. */
export interface WorkSettings {
  readonly addresses: readonly string[];
  readonly id: string | undefined;
  readonly queues: readonly string[];
  readonly weight: number;
  readonly concurrency: number | undefined;
  readonly drainTimeoutMs: number | undefined;
  readonly handlers: Handlers;
  readonly version: string;
}

/** Runs an analyzer. Resolves with the exit status when a signal, or an operator, has drained it. */
export async function runWork(settings: WorkSettings, terminal: Terminal): Promise<number> {
  const { addresses, ...options } = settings;
  await using traces = await openTraces("sluice-analyzer", terminal.env, (line) => printNotice(terminal, line));
  const analyzer = new Analyzer({
    ...options,
    address: addresses,
    tracing: traces.tracing,
    onEvent: eventNotices(addresses, (line) => printNotice(terminal, line)),
  });
  printNotice(terminal, `analyzer ${analyzer.id} for ${settings.queues.join(", ")} with weight ${settings.weight}`);
  stopRequested().then(
    () => analyzer.close(),
    () => {},
  );
  try {
    await analyzer.start();
    await analyzer.closed;
  } catch (error) {
    // Told to stop before any node answered.
    const isClosed = error instanceof SluiceClientError && error.code === "CANCELLED";
    if (!isClosed) throw asCommandError(error, addresses);
  }
  const { succeeded, failed } = analyzer.stats;
  printNotice(terminal, `stopped: ${formatPlural(succeeded, "task")} done, ${formatCount(failed)} failed`);
  return EXIT_OK;
}
