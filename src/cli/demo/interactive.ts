/**
 * The demo by hand: a menu over the same processes.
 *
 *  I1  Shares are judged from the last change on (a kill, a start, another weight): what held before is another promise.
 *  I2  A choice that does not work out says so, and the menu goes on.
 *  I3  However it ends, every process has ended and the data is gone before it resolves.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { Admin, SluiceClientError } from "@sluice/client";
import { CommandError, EXIT_FAILED, EXIT_OK } from "../exit.ts";
import { paletteFor } from "../output/colour.ts";
import { formatCount, formatDuration, formatPlural } from "../output/figures.ts";
import { parseNumber } from "../quantity.ts";
import { stopRequested } from "../signals.ts";
import { printReport } from "../stats/watch.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { whenAttached } from "./attachment.ts";
import { DEMO_QUEUE, type DemoAnalyzer, DemoCluster } from "./cluster.ts";
import { emitMessages } from "./emission.ts";
import { LineInput } from "./line-input.ts";
import { type QueueView, queueView } from "./queue-view.ts";
import { shareTable } from "./report.ts";
import { type AnalyzerCount, countsSince, shareRows } from "./shares.ts";

/** Services that send the messages. */
const EMITTERS = 10;
/** Most tasks at a time of each analyzer: enough for every weight that somebody may give it. */
const CONCURRENCY = 10;
/** Keeps shares exact although every analyzer could take more: the faster ones wait for the others. */
const MAX_LEAD = 1;
/** An analyzer that was killed and comes back is owed no more than this: it would show as too large a share. */
const MAX_LAG = 5;
/** How often the figures are looked at while something is waited for. */
const LOOK_MS = 100;
/** How often a line about the waiting is printed. */
const LINE_MS = 1000;

/** Runs the menu until it is left. Resolves with the exit status: 1 when a process did not end in order. */
export async function runInteractiveDemo(
  weights: readonly number[],
  program: string,
  terminal: Terminal,
): Promise<number> {
  const interruption = new AbortController();
  stopRequested().then(
    () => interruption.abort(),
    () => {},
  );
  const { signal } = interruption;
  const cluster = new DemoCluster(program);
  const input = new LineInput(terminal, signal);
  let disorder: string[] = [];
  try {
    printLine(terminal, `starting a node and ${weights.length} analyzers with weights ${weights.join(", ")}`);
    await cluster.start(weights, CONCURRENCY);
    await using admin = new Admin({ address: cluster.address });
    await admin.setQueue(DEMO_QUEUE, { maxLead: MAX_LEAD, maxLag: MAX_LAG });
    await whenAttached(admin, cluster, signal);
    printLine(terminal, `the node is at ${cluster.address}: 'sluice top --address ${cluster.address}' shows it live`);
    await new Menu({ cluster, admin, input, terminal, signal }).run();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    input.close();
    printLine(terminal, "stopping the analyzers and the node");
    disorder = await cluster.stop();
  }
  for (const problem of disorder) printNotice(terminal, problem);
  return disorder.length === 0 ? EXIT_OK : EXIT_FAILED;
}

interface MenuParts {
  readonly cluster: DemoCluster;
  readonly admin: Admin;
  readonly input: LineInput;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What can be chosen. */
interface Item {
  readonly key: string;
  readonly text: string;
  act(): Promise<void>;
}

class Menu {
  readonly #parts: MenuParts;
  readonly #items: readonly Item[];
  /** Weights as they were given last. */
  readonly #weights: Map<string, number>;
  /** What was done before the last change. */
  #before: readonly AnalyzerCount[] = [];
  #since = "the start";

  constructor(parts: MenuParts) {
    this.#parts = parts;
    this.#weights = new Map(parts.cluster.analyzers.map(({ id, weight }) => [id, weight]));
    this.#items = [
      { key: "1", text: "send 100 logs", act: () => this.#send(100) },
      { key: "2", text: "send 500 logs", act: () => this.#send(500) },
      { key: "3", text: "send 1,000 logs", act: () => this.#send(1000) },
      { key: "4", text: "wait until all is done", act: () => this.#waitUntilDone() },
      { key: "5", text: "stats", act: async () => printReport(await parts.admin.stats(), parts.terminal) },
      { key: "6", text: "distribution: actual against expected", act: () => this.#showDistribution() },
      { key: "7", text: "kill an analyzer", act: () => this.#kill() },
      { key: "8", text: "start a killed analyzer again", act: () => this.#startAgain() },
      { key: "9", text: "change a weight", act: () => this.#changeWeight() },
    ];
  }

  /** Resolves when somebody quits, or there is no more input. */
  async run(): Promise<void> {
    const { input, signal } = this.#parts;
    this.#showMenu();
    while (!signal.aborted) {
      const key = await input.ask("choice");
      if (key === undefined || key === "q") return;
      const item = this.#items.find((each) => each.key === key);
      if (item === undefined) {
        if (key !== "") this.#say(`there is no choice '${key}'`);
        this.#showMenu();
        continue;
      }
      await this.#tried(item);
    }
  }

  async #tried(item: Item): Promise<void> {
    try {
      await item.act();
    } catch (error) {
      const isExpected = error instanceof CommandError || error instanceof SluiceClientError;
      if (!isExpected || this.#parts.signal.aborted) throw error;
      this.#parts.input.forgetLine();
      this.#say(error.message);
    }
  }

  #showMenu(): void {
    for (const { key, text } of this.#items) this.#say(`  ${key}  ${text}`);
    this.#say("  q  quit");
  }

  async #send(tasks: number): Promise<void> {
    const { cluster, signal } = this.#parts;
    const counts = { emitted: 0, accepted: 0 };
    const startMs = performance.now();
    await emitMessages({ address: cluster.address, emitters: EMITTERS, tasks, durationMs: 0, signal }, counts);
    const elapsed = formatDuration(performance.now() - startMs);
    this.#say(`${formatCount(counts.accepted)} logs accepted from ${EMITTERS} emitters in ${elapsed}`);
  }

  async #waitUntilDone(): Promise<void> {
    let nextLineMs = performance.now() + LINE_MS;
    for (let view = await this.#look(); ; view = await this.#look()) {
      const left = view.waiting + view.running;
      if (left === 0) {
        this.#say(`all done: ${formatPlural(view.completed, "task")} completed since the start`);
        return;
      }
      if (this.#running().length === 0) {
        throw new CommandError(`${formatPlural(left, "task")} left, and no analyzer runs: start one with 8`);
      }
      if (performance.now() >= nextLineMs) {
        nextLineMs += LINE_MS;
        this.#say(`${formatCount(left)} left`);
      }
      await wait(LOOK_MS, undefined, { signal: this.#parts.signal });
    }
  }

  async #showDistribution(): Promise<void> {
    const view = await this.#look();
    const running = new Set(this.#running().map(({ id }) => id));
    const counts = countsSince(this.#before, view.analyzers).filter(({ analyzerId }) => running.has(analyzerId));
    const left = view.waiting + view.running;
    const palette = paletteFor(this.#parts.terminal.out, this.#parts.terminal.env);
    this.#say(
      palette.bold(`distribution since ${this.#since}, ${left === 0 ? "all done" : `${formatCount(left)} left`}`),
    );
    if (counts.every(({ completed }) => completed === 0)) this.#say("nothing was completed yet: send some logs with 1");
    else for (const line of shareTable(shareRows(counts))) this.#say(line);
  }

  async #kill(): Promise<void> {
    const analyzer = await this.#pick(this.#running(), "no analyzer runs: start one with 8");
    await this.#parts.cluster.crash(analyzer);
    await this.#changed(`${analyzer.id} was killed`);
  }

  async #startAgain(): Promise<void> {
    const { cluster, admin, signal } = this.#parts;
    const crashed = cluster.analyzers.filter((each) => cluster.isCrashed(each));
    const analyzer = await this.#pick(crashed, "every analyzer runs: kill one with 7");
    cluster.restart(analyzer, this.#weights.get(analyzer.id) ?? analyzer.weight);
    await whenAttached(admin, cluster, signal);
    await this.#changed(`${analyzer.id} was started again`);
  }

  async #changeWeight(): Promise<void> {
    const { id } = await this.#pick(this.#running(), "no analyzer runs: start one with 8");
    const text = await this.#parts.input.ask(`new weight of ${id}, now ${this.#weights.get(id)}`);
    const weight = parseNumber(text ?? "");
    if (weight === undefined) throw new CommandError(`'${text ?? ""}' is no weight: expected a number such as 0.4`);
    await this.#parts.admin.setWeight(id, weight);
    this.#weights.set(id, weight);
    await this.#changed(`${id} has weight ${weight}`);
  }

  /** Lets somebody pick one by number or id. CommandError with `none` when there is none to pick. */
  async #pick(analyzers: readonly DemoAnalyzer[], none: string): Promise<DemoAnalyzer> {
    if (analyzers.length === 0) throw new CommandError(none);
    const all = this.#parts.cluster.analyzers;
    const choices = analyzers.map((each) => `${all.indexOf(each) + 1} = ${each.id}`).join(", ");
    const answer = await this.#parts.input.ask(`which analyzer (${choices})`);
    const picked = analyzers.find((each) => each.id === answer || String(all.indexOf(each) + 1) === answer);
    if (picked === undefined) throw new CommandError(`'${answer ?? ""}' is none of ${choices}`);
    return picked;
  }

  async #changed(what: string): Promise<void> {
    this.#before = (await this.#look()).analyzers;
    this.#since = what;
    this.#say(`${what}; shares are counted from here on`);
  }

  #running(): DemoAnalyzer[] {
    const { cluster } = this.#parts;
    return cluster.analyzers.filter((each) => !cluster.isCrashed(each));
  }

  async #look(): Promise<QueueView> {
    return queueView(await this.#parts.admin.stats(DEMO_QUEUE));
  }

  #say(line: string): void {
    printLine(this.#parts.terminal, line);
  }
}
