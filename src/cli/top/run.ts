/** `sluice top`: looks at the node at an interval and shows what it sees, until somebody has seen enough. */
import { setTimeout as wait } from "node:timers/promises";
import { Admin } from "@sluice/client";
import { answered, noNodeAt } from "../client/errors.ts";
import { CommandError } from "../exit.ts";
import { paletteFor } from "../output/colour.ts";
import { printLine, type Terminal } from "../terminal.ts";
import type { TopFigures } from "./figures.ts";
import { topJson } from "./json.ts";
import { Sampler } from "./sampler.ts";
import { Screen } from "./screen.ts";
import { topView } from "./view.ts";

/** What to show, and how. */
export interface TopSettings {
  readonly addresses: readonly string[];
  /** Undefined: every queue. */
  readonly queue: string | undefined;
  readonly intervalMs: number;
  /** One view, and no more. */
  readonly once: boolean;
  readonly json: boolean;
  /** Ends the view in good order. */
  readonly signal: AbortSignal;
}

/** An answer that takes longer is worth a word on the screen. */
const PATIENCE_MS = 2000;
/** Keys that end the view: q, and Ctrl-C, which is no signal while keys are read. */
const END_KEYS: readonly string[] = ["q", "Q", "\u0003"];
const HINT = "q or Ctrl-C ends";

/** Shows the node until the signal, or once. Rejects with CommandError when once finds no node, or the node refuses. */
export async function runTop(settings: TopSettings, terminal: Terminal): Promise<void> {
  const { addresses, queue } = settings;
  await using admin = new Admin({ address: addresses });
  const sampler = new Sampler(admin, { addresses, queue, patienceMs: PATIENCE_MS });
  if (settings.once) await answered(showOnce(sampler, settings, terminal), addresses);
  else if (settings.json) await answered(printLines(sampler, settings, terminal), addresses);
  else await answered(showLive(sampler, settings, terminal), addresses);
}

/** Two looks, an interval apart: one alone has no rates. */
async function showOnce(sampler: Sampler, settings: TopSettings, terminal: Terminal): Promise<void> {
  const first = await sampler.look();
  if (first.look === undefined) throw new CommandError(noNodeAt(settings.addresses));
  await pause(settings);
  const figures = await sampler.look();
  if (settings.json) {
    printLine(terminal, topJson(figures, new Date()));
    return;
  }
  const { out, env } = terminal;
  // In a file or a pipe nothing has to fit.
  const columns = out.isTerminal ? out.columns : Number.POSITIVE_INFINITY;
  const lines = topView(figures, { columns, rows: Number.POSITIVE_INFINITY }, paletteFor(out, env), "");
  for (const line of lines) printLine(terminal, line);
}

async function printLines(sampler: Sampler, settings: TopSettings, terminal: Terminal): Promise<void> {
  while (!settings.signal.aborted) {
    printLine(terminal, topJson(await sampler.look(), new Date()));
    await pause(settings);
  }
}

async function showLive(sampler: Sampler, settings: TopSettings, terminal: Terminal): Promise<void> {
  const { out } = terminal;
  const quit = new AbortController();
  const signal = AbortSignal.any([settings.signal, quit.signal]);
  const palette = paletteFor(out, terminal.env);
  const screen = new Screen(out);
  const draw = (figures: TopFigures): void =>
    // The last column stays free: some terminals clear what was written there.
    screen.draw(topView(figures, { columns: out.columns - 1, rows: out.rows }, palette, HINT));
  const endKeys = terminal.readKeys((key) => {
    if (END_KEYS.includes(key)) quit.abort();
  });
  const endResizes = terminal.onResize(() => draw(sampler.figures));
  // A look may take as long as the node hangs; who wants to leave does not wait for it.
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  try {
    while (!signal.aborted) {
      await Promise.race([sampler.look(), aborted]);
      draw(sampler.figures);
      await pause({ intervalMs: settings.intervalMs, signal });
    }
  } finally {
    endResizes();
    endKeys();
    screen.leave();
  }
}

async function pause({ intervalMs, signal }: Pick<TopSettings, "intervalMs" | "signal">): Promise<void> {
  await wait(intervalMs, undefined, { signal }).catch(() => {});
}
