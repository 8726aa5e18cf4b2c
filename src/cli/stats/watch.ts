/** `sluice stats --watch`: the figures again and again, through restarts of the node. */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { type Admin, SluiceClientError } from "@sluice/client";
import type { GetStatsResponse } from "@sluice/client/contract";
import { noNodeAt } from "../client/errors.ts";
import { paletteFor } from "../output/colour.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import type { Look } from "./rates.ts";
import { statsReport } from "./report.ts";

/** What to watch. */
export interface WatchSettings {
  readonly addresses: readonly string[];
  /** Undefined: every queue. */
  readonly queue: string | undefined;
  /** Undefined: every second. */
  readonly intervalMs: number | undefined;
  /** Ends the watch in good order. */
  readonly signal: AbortSignal;
}

/** Time between two tries to reach a node that went away. */
const RETRY_MS = 1000;
/** Moves to the top left and clears the screen. */
const NEW_SCREEN = "\u001b[H\u001b[2J";

/** Watches until the signal. Rejects when no node answers at the beginning; one that goes away later is waited for. */
export async function watchStats(
  admin: Admin,
  settings: WatchSettings,
  terminal: Terminal,
  show: (stats: GetStatsResponse) => void,
): Promise<void> {
  const { queue, intervalMs, signal } = settings;
  let hasAnswered = false;
  let isAway = false;
  while (!signal.aborted) {
    try {
      for await (const stats of admin.watchStats({ queue, intervalMs, signal })) {
        hasAnswered = true;
        isAway = false;
        show(stats);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!hasAnswered || !isOutage(error)) throw error;
    }
    if (signal.aborted) return;
    if (!isAway) printNotice(terminal, `waiting: ${noNodeAt(settings.addresses)}`);
    isAway = true;
    await wait(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof SluiceClientError && (error.code === "UNAVAILABLE" || error.code === "CANCELLED");
}

/** Prints the figures as tables. */
export function printReport(stats: GetStatsResponse, terminal: Terminal): void {
  const lines = statsReport({ stats, atMs: 0 }, undefined, paletteFor(terminal.out, terminal.env));
  for (const line of lines) printLine(terminal, line);
}

/** Shows each look as tables with rates: on a terminal in the same place, elsewhere one below the other. */
export function reportPrinter(terminal: Terminal): (stats: GetStatsResponse) => void {
  const palette = paletteFor(terminal.out, terminal.env);
  let earlier: Look | undefined;
  return (stats) => {
    const look = { stats, atMs: performance.now() };
    const text = statsReport(look, earlier, palette).join("\n");
    printLine(terminal, terminal.out.isTerminal ? NEW_SCREEN + text : `${text}\n`);
    earlier = look;
  };
}
