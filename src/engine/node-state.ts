/**
 * The state that the parts of the engine share, and the few things that they ask of each other. There is one per node.
 */
import { LeaseClock } from "../core/lease-clock.ts";
import { DEFAULT_QUEUE_SETTINGS, type Store } from "../store/port.ts";
import type { AnalyzerRecord } from "./analyzer.ts";
import type { Clock } from "./clock.ts";
import { LeaseTable } from "./lease-table.ts";
import type { LiveSession } from "./live-session.ts";
import type { EngineLog } from "./log.ts";
import { QueueState } from "./queue-state.ts";
import { CLOCK_STEPS_PER_LEASE, type EngineSettings, MAX_CLOCK_STEP_MS, MAX_GRACE_DELAY_MS } from "./settings.ts";
import type { TaskObserver } from "./task-observer.ts";
import { Timings } from "./timings.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly store: Store;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
  readonly settings: EngineSettings;
  /** Of the program, for figures. */
  readonly version: string;
  readonly log: EngineLog;
  /** Whether two encoded specs say the same although their bytes differ. */
  readonly sameSpec: (a: Uint8Array, b: Uint8Array) => boolean;
  /** For traces. Default none. */
  readonly observer?: TaskObserver | undefined;
  /** Storage failed: nothing more can be promised, the process must stop. Called once. */
  readonly onFailure: (error: Error) => void;
}

/** Shared state of the engine's parts. */
export class NodeState {
  readonly parts: EngineParts;
  readonly queues = new Map<string, QueueState>();
  readonly analyzers = new Map<string, AnalyzerRecord>();
  /** Sessions with something to send. */
  readonly dirty = new Set<LiveSession>();
  /** Queues that may have both work and takers. */
  readonly candidates = new Set<QueueState>();
  readonly timings = new Timings();
  leases = new LeaseTable(1);
  epoch = 0;
  sessions = 0;
  isDraining = false;
  /** The store is being closed, in order: what an operator's call still asks of it is refused, which is no failure. */
  isClosed = false;
  failure: Error | undefined;
  readonly #leaseClock: LeaseClock;
  readonly #wake: () => void;

  constructor(parts: EngineParts, wake: () => void) {
    this.parts = parts;
    this.#wake = wake;
    this.#leaseClock = new LeaseClock(Math.min(MAX_CLOCK_STEP_MS, parts.settings.leaseMs / CLOCK_STEPS_PER_LEASE));
  }

  /** Asks for a turn soon. */
  wake(): void {
    this.#wake();
  }

  get wallMs(): number {
    return this.parts.clock.wallMs();
  }

  get monotonicMs(): number {
    return this.parts.clock.monotonicMs();
  }

  /** Time by which leases and deadlines are judged: the node's own pauses do not count. */
  get leaseMs(): number {
    return this.#leaseClock.advance(this.parts.clock.monotonicMs());
  }

  /**
   * Runs once after a grace in which analyzers may return. It is measured by the lease clock, so a pause of the node within it
   * counts for little; and when the node slept through its end it begins again, as those who returned meanwhile still wait
   * in the sockets. Returns what cancels it.
   */
  afterGrace(graceMs: number, run: () => void): () => void {
    const { clock } = this.parts;
    let cancel: () => void = () => {};
    const waitUntil = (untilMs: number): void => {
      const waitMs = untilMs - this.leaseMs;
      const endMs = clock.monotonicMs() + waitMs;
      cancel = clock.after(waitMs, () => {
        if (clock.monotonicMs() - endMs > MAX_GRACE_DELAY_MS) waitUntil(this.leaseMs + graceMs);
        else if (this.leaseMs < untilMs) waitUntil(untilMs);
        else run();
      });
    };
    waitUntil(this.leaseMs + graceMs);
    return () => cancel();
  }

  /** The queue of that name, entered on first use. */
  queue(name: string): QueueState {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const queue = new QueueState(name, DEFAULT_QUEUE_SETTINGS);
    this.queues.set(name, queue);
    return queue;
  }

  /** Something changed that may let this queue dispatch. */
  nudge(queue: QueueState): void {
    this.candidates.add(queue);
    this.wake();
  }

  /** The session has something to send at the end of the turn. */
  touch(session: LiveSession): void {
    this.dirty.add(session);
    this.wake();
  }

  /** After anything that may have made the analyzer eligible or not. */
  refresh(analyzer: AnalyzerRecord): void {
    if (!analyzer.refreshEligibility(this.monotonicMs)) return;
    for (const { queue } of analyzer.served()) this.candidates.add(queue);
    this.wake();
  }

  /**
   * Goes on when the store has answered. Stores answer expected refusals with outcomes: a rejection, or a fault in what
   * follows, is the end of this node.
   */
  after<T>(answer: Promise<T>, then: (value: T) => void): void {
    answer.then(then).catch((error: unknown) => this.fail(error));
  }

  /** Nothing can be promised any more. */
  fail(cause: unknown): void {
    if (this.failure !== undefined || this.isClosed) return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.failure = error;
    this.parts.log("error", "store.failed", { error });
    this.parts.onFailure(error);
  }
}
