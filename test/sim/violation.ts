/**
 * The promises that a simulation checks, and the book in which checks and the first broken promise are noted.
 *
 * Checks run in the middle of the engine's work, where a thrown error would be taken for a fault of the engine: so a
 * broken promise is noted, and the simulation throws it at the end of the step.
 */

/** What must hold, in the words of a failure. */
export const RULES = {
  durable: "what was answered OK is durable, and no accepted task is ever lost",
  lease: "a task has at most one live lease, and only that lease ends it",
  ending: "exactly one ending is recorded, and nothing is delivered after it",
  cause: "a lease ends only for a reason that its analyzer, a clock or an operator gave",
  attempt: "an attempt is charged where one is due and nowhere else",
  order: "priority first, then submission order within a fairness key; a returned task keeps its place",
  due: "a task runs neither before its time nor while its queue is paused or dispatch is held",
  credit: "no more is delivered than was permitted, and no permission gets lost",
  share: "what an eligible analyzer is owed or ahead stays within the bounds of the dispatch rule",
  idle: "nothing waits while an eligible analyzer has credit",
  receipt: "every answer gets its receipt: accepted after the commit, else stale",
  resume: "a lease that its analyzer still holds is resumed, and no other",
  refusal: "a stream ends with an error only for a cause, and always for one",
  wait: "a wait is answered once, after the ending",
  bounded: "leases, sessions, timers and turns are bounded, and gone when the work is",
  drained: "in the end everything accepted has ended",
  fault: "the node fails only when its storage does",
} as const;

/** Short name of a promise. */
export type Rule = keyof typeof RULES;

/** A broken promise. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly rule: Rule;

  constructor(rule: Rule, detail: string) {
    super(`${rule}: ${detail} (the promise: ${RULES[rule]})`);
    this.rule = rule;
  }
}

/** Counts checks and keeps the first violation. */
export class Checks {
  readonly #made = new Map<Rule, number>();
  #violation: Violation | undefined;

  /** Notes that a promise was looked at. `detail` is asked for only when it is broken. */
  that(rule: Rule, holds: boolean, detail: () => string): void {
    this.#made.set(rule, (this.#made.get(rule) ?? 0) + 1);
    if (!holds) this.#violation ??= new Violation(rule, detail());
  }

  /** Checks made, by promise. */
  get made(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#made);
  }

  /** Throws what was noted. */
  rethrow(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}
