/** What the bench and its two client processes say to each other. */

import type { ClosedPlan, OpenPlan, Submitted } from "./producing.ts";
import type { Latencies } from "./tally.ts";

/** How a client process is started: the adapter to load, and where its server is. */
export interface ClientStart {
  readonly adapter: string;
  readonly address: string;
}

/** What handlers saw until a wait was over. */
export interface Handled {
  readonly handled: number;
  readonly repeated: number;
  /** The first handler of the phase. */
  readonly firstMs: number;
  /** When the last one was handled and, if asked for, recorded. */
  readonly endMs: number;
}

/** Requests by name: what they carry and what they are answered with. */
export interface Requests {
  /** Connects a producer. */
  readonly connect: { readonly carries: ClientStart; readonly answer: null };
  readonly submit: { readonly carries: ClosedPlan | OpenPlan; readonly answer: Submitted };
  /** Begins to take tasks. */
  readonly attach: { readonly carries: ClientStart; readonly answer: null };
  /** Tasks of this phase count from now on. */
  readonly count: { readonly carries: { readonly phase: number; readonly latencies: boolean }; readonly answer: null };
  /** Answered when so many tasks of the phase were handled and all are recorded, or so long after the first of them. */
  readonly await: {
    readonly carries: { readonly handled: number; readonly windowMs: number; readonly stallMs: number };
    readonly answer: Handled;
  };
  readonly latencies: { readonly carries: null; readonly answer: Latencies };
  /** Processor time used so far, in milliseconds. */
  readonly cpu: { readonly carries: null; readonly answer: number };
  /** Disconnects. */
  readonly close: { readonly carries: null; readonly answer: null };
}

/** A request to a client process. */
export type Request = {
  [Name in keyof Requests]: { readonly id: number; readonly name: Name; readonly carries: Requests[Name]["carries"] };
}[keyof Requests];

/** To the producer, unanswered: how many tasks of the phase were handled. */
export interface ProgressNote {
  readonly phase: number;
  readonly handled: number;
}

/** From a client process. */
export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }
  | ProgressNote;
