/**
 * Every lease of a simulation, and why it may end: what its analyzer answered, whether it arrived at all, whether its
 * holder was out of reach, left or was drained. The engine's decisions are held against this, one by one, as it hands
 * them to the store.
 *
 * Rules of `explain`:
 *  K1  COMPLETED needs a success of the holder; an error of the analyzer needs a failure of the holder.
 *  K2  TIMEOUT needs a timeout that has passed; ANALYZER_LOST needs a holder that was silent for the lease time or detached
 *      for the resume grace, the node's own pauses not counted. Neither may charge a delivery that never left the node.
 *  K3  Going back uncharged needs a release, a good-bye, a hello that does not name the lease, the end of a drain's
 *      patience, or a delivery that never arrived.
 *  K4  FAILED comes with the last attempt or a non-retryable error, and not before; CANCELLED with a wish to cancel.
 */
import type { Finish } from "../../src/store/port.ts";
import type { TaskRecord } from "./ledger.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Checks } from "./violation.ts";

/** What an analyzer says of a lease. `fatal`: a failure that must not be retried. */
export type Answer = "success" | "failure" | "fatal" | "release";

/** The code that simulated analyzers put into their errors. */
export const ANALYZER_ERROR = "SIM";

/** What is known of the reach of an analyzer, as the node can know it. */
export interface Reach {
  /** Active time at which the node got its last frame. */
  lastFrameActiveMs: number;
  /** Active time at which its stream broke, while it has no other. */
  detachedActiveMs: number | undefined;
  /** Since when an operator drains its session. */
  drainedMs: number | undefined;
}

/** Times that decide about leases. */
export interface Patience {
  readonly leaseMs: number;
  readonly resumeGraceMs: number;
  readonly drainMs: number;
}

/** One lease. */
export interface LeaseEntry {
  readonly lease: number;
  readonly task: TaskRecord;
  /** Active time of its claim, or of its adoption after a restart. */
  grantedActiveMs: number;
  holder: string | undefined;
  isSent: boolean;
  hasArrived: boolean;
  /** Its holder has given it up in a way that charges nothing. */
  mayReturn: boolean;
  readonly answers: Set<Answer>;
  /** The node has handed its end to the store. */
  isEnding: boolean;
  /** How its last end was recorded. */
  recorded: "accepted" | "stale" | undefined;
}

/** The book of leases. */
export class LeaseBook {
  readonly #checks: Checks;
  readonly #clock: SimClock;
  readonly #patience: Patience;
  readonly #reaches = new Map<string, Reach>();
  readonly #leases = new Map<number, LeaseEntry>();
  /** Since when the node drains. */
  nodeDrainedMs: number | undefined;

  constructor(checks: Checks, clock: SimClock, patience: Patience) {
    this.#checks = checks;
    this.#clock = clock;
    this.#patience = patience;
  }

  get(lease: number): LeaseEntry | undefined {
    return this.#leases.get(lease);
  }

  reach(analyzerId: string): Reach {
    const known = this.#reaches.get(analyzerId);
    if (known !== undefined) return known;
    const reach: Reach = { lastFrameActiveMs: 0, detachedActiveMs: undefined, drainedMs: undefined };
    this.#reaches.set(analyzerId, reach);
    return reach;
  }

  /** The node is gone, and what it knew of anybody. */
  nodeEnded(): void {
    this.nodeDrainedMs = undefined;
    this.#reaches.clear();
  }

  /** The store has claimed a task under this lease. */
  claimed(lease: number, task: TaskRecord): void {
    this.#checks.that("lease", !this.#leases.has(lease), () => `lease ${lease} was given out twice`);
    this.#leases.set(lease, {
      lease,
      task,
      grantedActiveMs: this.#clock.activeMs,
      holder: undefined,
      isSent: false,
      hasArrived: false,
      mayReturn: false,
      answers: new Set(),
      isEnding: false,
      recorded: undefined,
    });
  }

  /** The store has claimed it again for the analyzer that holds it; that one will hear of it. */
  adopted(lease: number): void {
    const entry = this.#leases.get(lease);
    if (entry === undefined) return;
    entry.grantedActiveMs = this.#clock.activeMs;
    entry.hasArrived = false;
    entry.mayReturn = false;
    entry.isEnding = false;
    entry.recorded = undefined;
  }

  /** A frame with this delivery has left the node. */
  sent(lease: number, analyzerId: string): void {
    const entry = this.#leases.get(lease);
    if (entry === undefined) return;
    entry.isSent = true;
    entry.holder = analyzerId;
  }

  /** The analyzer knows that it holds it. */
  arrived(lease: number): void {
    const entry = this.#leases.get(lease);
    if (entry !== undefined) entry.hasArrived = true;
  }

  /** The node took this answer of its holder. */
  answered(lease: number, analyzerId: string, answer: Answer): void {
    const entry = this.#leases.get(lease);
    if (entry?.holder === analyzerId) entry.answers.add(answer);
  }

  /** The analyzer holds only these any more (all live ones of its, when it left: none). */
  holdsOnly(analyzerId: string, named: ReadonlySet<number>): void {
    for (const entry of this.#leases.values()) {
      if (entry.holder === analyzerId && !named.has(entry.lease)) entry.mayReturn = true;
    }
  }

  /** The engine wants this recorded: is there a cause for it? */
  explain(finish: Finish): void {
    const entry = this.#leases.get(finish.lease);
    this.#checks.that("cause", entry !== undefined, () => `the end of lease ${finish.lease}, which nobody was given`);
    if (entry === undefined) return;
    entry.isEnding = true;
    const problem = this.#problem(entry, finish);
    const rule = problem?.startsWith("charged") === true ? "attempt" : "cause";
    this.#checks.that(
      rule,
      problem === undefined,
      () => `lease ${finish.lease} of task ${entry.task.number} ${problem}`,
    );
  }

  #problem(entry: LeaseEntry, finish: Finish): string | undefined {
    const { transition } = finish;
    switch (transition.to) {
      case "COMPLETED":
        return entry.answers.has("success") ? undefined : "was completed without a result";
      case "CANCELLED":
        return entry.task.cancelWish ? undefined : "was cancelled though nobody asked for it";
      case "PENDING":
        if (transition.error !== undefined) return this.#chargeProblem(entry, finish, transition.error.code);
        return this.#mayReturn(entry, finish.analyzerId) ? undefined : "went back uncharged, for no reason";
      case "RETRYING":
        return (
          this.#chargeProblem(entry, finish, transition.error.code) ?? this.#backoffProblem(entry, transition.dueMs)
        );
      case "FAILED":
        return this.#chargeProblem(entry, finish, transition.error.code);
    }
  }

  #chargeProblem({ task, answers, ...entry }: LeaseEntry, { transition, analyzerId }: Finish, code: string) {
    const isLast = task.attempts + 1 >= task.retry.maxAttempts;
    if (code === ANALYZER_ERROR) {
      const isFatal = answers.has("fatal");
      if (!isFatal && !answers.has("failure")) return "charged for a failure that nobody reported";
      if (transition.to === "FAILED") return isLast || isFatal ? undefined : "failed for good before its last attempt";
      return isLast && !isFatal ? "was to be retried after its last attempt" : undefined;
    }
    if (isLast !== (transition.to === "FAILED"))
      return `charged attempt ${task.attempts + 1} and became ${transition.to}`;
    if (!entry.isSent) return `charged (${code}) though it never left the node`;
    if (code === "TIMEOUT") {
      const ranMs = this.#clock.activeMs - entry.grantedActiveMs;
      return task.timeoutMs > 0 && ranMs >= task.timeoutMs ? undefined : `charged for a timeout after ${ranMs} ms`;
    }
    if (code !== "ANALYZER_LOST") return `charged for the unknown reason ${code}`;
    return this.#isLost(analyzerId) ? undefined : "charged for the loss of an analyzer that was within reach";
  }

  #backoffProblem({ task }: LeaseEntry, dueMs: number): string | undefined {
    const { initialBackoffMs, backoffFactor, maxBackoffMs } = task.retry;
    const waitMs = dueMs - this.#clock.wallMs;
    const mostMs = Math.min(maxBackoffMs, initialBackoffMs * backoffFactor ** task.attempts);
    return waitMs >= 0 && waitMs <= mostMs
      ? undefined
      : `was to be retried in ${waitMs} ms, at most ${mostMs} are right`;
  }

  #isLost(analyzerId: string): boolean {
    const { lastFrameActiveMs, detachedActiveMs } = this.reach(analyzerId);
    const nowMs = this.#clock.activeMs;
    if (detachedActiveMs !== undefined && nowMs - detachedActiveMs >= this.#patience.resumeGraceMs) return true;
    return nowMs - lastFrameActiveMs >= this.#patience.leaseMs;
  }

  #mayReturn(entry: LeaseEntry, analyzerId: string): boolean {
    if (entry.mayReturn || !entry.hasArrived || entry.answers.has("release")) return true;
    const nowMs = this.#clock.monotonicMs;
    const { drainedMs } = this.reach(analyzerId);
    return [this.nodeDrainedMs, drainedMs].some((ms) => ms !== undefined && nowMs - ms >= this.#patience.drainMs);
  }
}
