/**
 * What the parent tells a client process: its role as the one argument (JSON), then commands on its standard input, one JSON
 * value per line. The process answers on its standard output with the events of the history, and with `ClientNotice`s.
 */
import type { HistoryEvent } from "../history.ts";

/** Analyzers that share a process. */
export interface CrewRole {
  readonly role: "crew";
  readonly address: string;
  readonly queue: string;
  readonly analyzers: readonly { readonly id: string; readonly weight: number; readonly concurrency: number }[];
  /** Each gets a connection of its own, as if it were alone in its process; else they share one. */
  readonly ownConnections: boolean;
}

/** An emitter that submits at a steady pace and waits for every ending. */
export interface EmitterRole {
  readonly role: "emitter";
  readonly address: string;
  readonly queue: string;
  readonly perSecond: number;
  /** Longest time that a handler takes; each task gets a random part of it. */
  readonly workMs: number;
  /** Part of the tasks whose first attempt fails. */
  readonly failing: number;
  readonly maxAttempts: number;
  readonly payloadBytes: number;
}

/** Who a client process is. */
export type ClientRole = CrewRole | EmitterRole;

/** What the parent may ask for. */
export type ClientCommand =
  /** Submit at this pace from now on; 0 stops. */
  | { readonly do: "pace"; readonly perSecond: number }
  /** Stop submitting; answered with "flushed" when everything is answered. */
  | { readonly do: "flush" }
  /** Close in good order and end. */
  | { readonly do: "close" };

/** What the process tells besides the history. */
export type ClientNotice =
  /** Analyzers of a crew that have a session at this moment; told when it changes. */
  { readonly kind: "attached"; readonly analyzers: number } | { readonly kind: "flushed" };

/** A line of a client process. */
export type ClientLine = HistoryEvent | ClientNotice;

/** What a task of the fault tests asks of its handler. */
export interface Work {
  /** How long it takes. */
  readonly workMs: number;
  /** So many attempts fail before one succeeds. */
  readonly fails: number;
  readonly padding: string;
}
