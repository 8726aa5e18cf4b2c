/**
 * The demo: starts the processes, emits, watches the node's own figures, stops everything, and judges.
 *
 *  D1  Emission begins when every analyzer is attached: before that, shares would mean nothing.
 *  D2  The run ends when the node has completed what it accepted, or nothing has moved for STALL_MS.
 *  D3  Whatever happens, every process has ended and the data is gone before the demo resolves.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { Admin } from "@sluice/client";
import { CommandError, EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { paletteFor } from "../output/colour.ts";
import { formatCount, formatPercent } from "../output/figures.ts";
import { stopRequested } from "../signals.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { whenAttached } from "./attachment.ts";
import { DEMO_QUEUE, DemoCluster } from "./cluster.ts";
import { type EmissionCounts, emitMessages } from "./emission.ts";
import { type QueueView, queueView } from "./queue-view.ts";
import { type Crash, type DemoOutcome, findProblems, outcomeJson, outcomeLines, type Stretch } from "./report.ts";
import { countsSince, shareRows } from "./shares.ts";

/** What to show. */
export interface DemoSettings {
  readonly tasks: number;
  /** How long the emitters take. */
  readonly durationMs: number;
  readonly emitters: number;
  /** One analyzer each. */
  readonly weights: readonly number[];
  /** Kill the heaviest analyzer half way. */
  readonly chaos: boolean;
  readonly json: boolean;
}

/** How often the figures are looked at. */
const LOOK_MS = 100;
/** How often a line is printed. */
const LINE_MS = 1000;
/** With nothing completed for this long, what is missing is taken for lost. */
const STALL_MS = 30_000;

/** What a run leaves behind to be judged. */
type RunRecord = Omit<DemoOutcome, "disorder">;

/**
 * Runs the demo. Resolves with the exit status: 1 when a promise was broken or it was interrupted.
 * @param program path of this program's main module
 */
export async function runDemo(settings: DemoSettings, program: string, terminal: Terminal): Promise<number> {
  const interruption = new AbortController();
  stopRequested().then(
    () => interruption.abort(),
    () => {},
  );
  const cluster = new DemoCluster(program);
  // Progress gives way to JSON: standard output is the result's alone.
  const say = (line: string): void => (settings.json ? printNotice : printLine)(terminal, line);
  const run = new DemoRun(settings, cluster, interruption.signal, say);
  let record: RunRecord;
  let disorder: string[] = [];
  try {
    record = await run.run();
    say("stopping the analyzers and the node");
  } catch (error) {
    if (interruption.signal.aborted) throw new CommandError("interrupted");
    throw error;
  } finally {
    disorder = await cluster.stop();
  }
  const outcome: DemoOutcome = { ...record, disorder };
  const problems = findProblems(outcome);
  const palette = paletteFor(terminal.out, terminal.env);
  const lines = settings.json ? [outcomeJson(outcome, problems)] : outcomeLines(outcome, problems, palette);
  for (const line of lines) printLine(terminal, line);
  return problems.length === 0 ? EXIT_OK : EXIT_FAILED;
}

class DemoRun {
  readonly #settings: DemoSettings;
  readonly #cluster: DemoCluster;
  readonly #signal: AbortSignal;
  readonly #say: (line: string) => void;
  readonly #counts: EmissionCounts = { emitted: 0, accepted: 0 };
  #crash: { readonly crash: Crash; readonly before: QueueView } | undefined;

  constructor(settings: DemoSettings, cluster: DemoCluster, signal: AbortSignal, say: (line: string) => void) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#signal = signal;
    this.#say = say;
  }

  async run(): Promise<RunRecord> {
    const { weights, emitters, tasks, durationMs } = this.#settings;
    this.#say(`starting a node and ${weights.length} analyzers with weights ${weights.join(", ")}`);
    await this.#cluster.start(weights);
    const admin = new Admin({ address: this.#cluster.address });
    try {
      await whenAttached(admin, this.#cluster, this.#signal);
      this.#say(`${emitters} emitters send ${formatCount(tasks)} log messages to ${this.#cluster.address}`);
      const startMs = performance.now();
      const end = new AbortController();
      const signal = AbortSignal.any([this.#signal, end.signal]);
      const emission = emitMessages(
        { address: this.#cluster.address, emitters, tasks, durationMs, signal },
        this.#counts,
      );
      try {
        const [view] = await Promise.all([this.#watch(admin, startMs), emission]);
        return this.#record(view, performance.now() - startMs);
      } finally {
        end.abort();
      }
    } finally {
      admin.close();
    }
  }

  async #look(admin: Admin): Promise<QueueView> {
    this.#signal.throwIfAborted();
    return queueView(await admin.stats(DEMO_QUEUE));
  }

  /** Resolves with the last look. */
  async #watch(admin: Admin, startMs: number): Promise<QueueView> {
    const { tasks, chaos } = this.#settings;
    let view = await this.#look(admin);
    let nextLineMs = startMs + LINE_MS;
    let movedAtMs = startMs;
    let saidCompleted = -1;
    while (view.completed + view.failed < tasks && performance.now() - movedAtMs < STALL_MS) {
      await wait(LOOK_MS, undefined, { signal: this.#signal });
      const before = view.completed;
      view = await this.#look(admin);
      const nowMs = performance.now();
      if (view.completed > before) movedAtMs = nowMs;
      if (nowMs >= nextLineMs) {
        this.#say(this.#progressLine(view, nowMs - startMs));
        nextLineMs += LINE_MS;
        saidCompleted = view.completed;
      }
      if (chaos && this.#crash === undefined && view.completed >= tasks / 2) await this.#killHeaviest(view);
    }
    if (view.completed !== saidCompleted) this.#say(this.#progressLine(view, performance.now() - startMs));
    return view;
  }

  async #killHeaviest(before: QueueView): Promise<void> {
    const heaviest = this.#cluster.analyzers.reduce((a, b) => (b.weight > a.weight ? b : a));
    await this.#cluster.crash(heaviest);
    const inFlight = before.analyzers.find((each) => each.analyzerId === heaviest.id)?.inFlight ?? 0;
    this.#crash = { crash: { analyzerId: heaviest.id, inFlight }, before };
    this.#say(
      `killed ${heaviest.id} (weight ${heaviest.weight}); what it held goes to the others (${inFlight} a moment before)`,
    );
  }

  #progressLine(view: QueueView, elapsedMs: number): string {
    const shares = shareRows(view.analyzers).map((row) => `${row.analyzerId} ${formatPercent(row.actual)}`);
    const figures = [
      `${Math.round(elapsedMs / 1000)}s`.padStart(4),
      `emitted ${formatCount(this.#counts.emitted).padStart(6)}`,
      `completed ${formatCount(view.completed).padStart(6)}`,
      `waiting ${formatCount(view.waiting).padStart(5)}`,
      ...shares,
    ];
    return figures.join("  ");
  }

  #record(view: QueueView, elapsedMs: number): RunRecord {
    return {
      emitters: this.#settings.emitters,
      ...this.#counts,
      completed: view.completed,
      failed: view.failed,
      redelivered: view.lost,
      elapsedMs,
      stretches: this.#stretches(view),
      crash: this.#crash?.crash,
    };
  }

  #stretches(view: QueueView): Stretch[] {
    if (this.#crash === undefined) return [{ title: "shares", rows: shareRows(view.analyzers) }];
    const { before, crash } = this.#crash;
    const since = countsSince(before.analyzers, view.analyzers);
    return [
      { title: `shares until ${crash.analyzerId} was killed`, rows: shareRows(before.analyzers) },
      {
        title: "shares of the others after that",
        rows: shareRows(since.filter((count) => count.analyzerId !== crash.analyzerId)),
      },
    ];
  }
}
