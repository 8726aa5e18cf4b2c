/**
 * Decides which analyzers of a pool to start and to stop, given how many are wanted, what became of those before, and the
 * time. What is decided is returned as data; whoever runs the analyzers carries it out and tells when one has ended.
 *
 * A seat is an analyzer that there should be: it is up, or waits to be started again after a crash. One that is told to stop
 * leaves its seat and drains.
 *
 * Invariants:
 *  P1  Never more analyzers than the policy's max, those that drain included.
 *  P2  Once what drains has ended there are as many seats as the target, which is within min and max unless somebody set it
 *      by hand, and 0 after `close`.
 *  P3  Up at once, down slowly: the target is the highest number wanted within the cool-down, so a short lull stops nobody.
 *  P4  An analyzer that ends unasked is started again after a backoff that doubles with each crash in a row, to a limit.
 *  P5  An analyzer is told to stop once, and killed once, only if it has not ended by the drain time after that.
 */

/** How a pool is to be run. */
export interface PoolPolicy {
  /** Fewest analyzers. */
  readonly min: number;
  /** Most analyzers, those that drain included. */
  readonly max: number;
  /** For so long fewer must be wanted before any is stopped. */
  readonly coolDownMs: number;
  /** For so long one that was told to stop may finish what it has. */
  readonly drainMs: number;
}

/** What is to be done with one analyzer. Numbers rise and are never used twice. */
export interface PoolAction {
  readonly kind: "start" | "stop" | "kill";
  readonly analyzer: number;
}

/** An analyzer of the pool. */
export interface PoolMember {
  readonly state: "up" | "crashed" | "draining";
  /** Its number; of a crashed one, the number of the one that ended. */
  readonly analyzer: number;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  /** Crashes of its seat in a row. */
  readonly crashes: number;
  /** Crashed: when it is started again. */
  readonly restartMs: number;
}

/** First wait after a crash. */
export const CRASH_BACKOFF_MS = 1000;
/** Longest wait after a crash. */
export const MAX_CRASH_BACKOFF_MS = 60_000;
/** An analyzer that was up for so long did not crash in a row with the one before. */
export const STABLE_MS = 60_000;

interface Seat {
  analyzer: number;
  isUp: boolean;
  sinceMs: number;
  crashes: number;
  restartMs: number;
}

interface Draining {
  readonly analyzer: number;
  readonly sinceMs: number;
  isKilled: boolean;
}

/** See the top of the file. */
export class Pool {
  readonly #policy: PoolPolicy;
  readonly #seats: Seat[] = [];
  readonly #draining: Draining[] = [];
  /** Numbers wanted, each smaller than the one before, with when each was last in force. */
  readonly #wanted: { count: number; untilMs: number }[] = [];
  #byHand: number | undefined;
  #isClosed = false;
  #started = 0;

  constructor(policy: PoolPolicy) {
    this.#policy = policy;
  }

  /** What somebody set by hand. */
  get byHand(): number | undefined {
    return this.#byHand;
  }

  /** It was closed, and everything has ended. */
  get isOver(): boolean {
    return this.#isClosed && this.#seats.length === 0 && this.#draining.length === 0;
  }

  get members(): PoolMember[] {
    const seats = this.#seats.map(({ isUp, ...seat }) => ({
      ...seat,
      state: isUp ? ("up" as const) : ("crashed" as const),
    }));
    const draining = this.#draining.map(({ analyzer, sinceMs }) => {
      return { state: "draining" as const, analyzer, sinceMs, crashes: 0, restartMs: 0 };
    });
    return [...seats, ...draining];
  }

  /** So many analyzers would be right. Holds until another number comes. */
  want(count: number, nowMs: number): void {
    const { min, max } = this.#policy;
    const bounded = Math.min(max, Math.max(min, count));
    const before = this.#wanted.at(-1);
    if (before !== undefined) before.untilMs = nowMs;
    while ((this.#wanted.at(-1)?.count ?? Number.POSITIVE_INFINITY) <= bounded) this.#wanted.pop();
    this.#wanted.push({ count: bounded, untilMs: nowMs });
  }

  /** So many there shall be, at most max, whatever is wanted; undefined leaves it to what is wanted. */
  setByHand(count: number | undefined): void {
    this.#byHand = count === undefined ? undefined : Math.min(this.#policy.max, Math.max(0, count));
  }

  /** Stops all for good. */
  close(): void {
    this.#isClosed = true;
  }

  /** How many analyzers there should be. */
  target(nowMs: number): number {
    if (this.#isClosed) return 0;
    if (this.#byHand !== undefined) return this.#byHand;
    const { coolDownMs, min } = this.#policy;
    while (this.#wanted.length > 1 && nowMs - (this.#wanted[0]?.untilMs ?? 0) >= coolDownMs) this.#wanted.shift();
    return this.#wanted[0]?.count ?? min;
  }

  /** An analyzer has ended. True: nobody had asked it to. */
  ended(analyzer: number, nowMs: number): boolean {
    const place = this.#draining.findIndex((each) => each.analyzer === analyzer);
    if (place >= 0) this.#draining.splice(place, 1);
    const seat = this.#seats.find((each) => each.analyzer === analyzer && each.isUp);
    if (seat === undefined) return false;
    seat.crashes = nowMs - seat.sinceMs >= STABLE_MS ? 1 : seat.crashes + 1;
    seat.isUp = false;
    seat.sinceMs = nowMs;
    seat.restartMs = nowMs + Math.min(MAX_CRASH_BACKOFF_MS, CRASH_BACKOFF_MS * 2 ** (seat.crashes - 1));
    return true;
  }

  /** What is to be done now. */
  decide(nowMs: number): PoolAction[] {
    const actions: PoolAction[] = [];
    const target = this.target(nowMs);
    while (this.#seats.length > target) this.#vacate(nowMs, actions);
    for (const seat of this.#seats) if (!seat.isUp && seat.restartMs <= nowMs) this.#start(seat, nowMs, actions);
    while (this.#seats.length < target && this.#seats.length + this.#draining.length < this.#policy.max) {
      const seat = { analyzer: 0, isUp: false, sinceMs: nowMs, crashes: 0, restartMs: nowMs };
      this.#seats.push(seat);
      this.#start(seat, nowMs, actions);
    }
    for (const each of this.#draining) {
      if (each.isKilled || nowMs - each.sinceMs < this.#policy.drainMs) continue;
      each.isKilled = true;
      actions.push({ kind: "kill", analyzer: each.analyzer });
    }
    return actions;
  }

  /** When to decide again at the latest, if nothing happens before. Undefined: time alone changes nothing. */
  dueMs(nowMs: number): number | undefined {
    const times = [
      ...this.#seats.filter(({ isUp }) => !isUp).map(({ restartMs }) => restartMs),
      ...this.#draining.filter(({ isKilled }) => !isKilled).map(({ sinceMs }) => sinceMs + this.#policy.drainMs),
    ];
    const [highest, next] = this.#wanted;
    const follows = !this.#isClosed && this.#byHand === undefined;
    if (follows && highest !== undefined && next !== undefined) times.push(highest.untilMs + this.#policy.coolDownMs);
    return times.length === 0 ? undefined : Math.max(nowMs, Math.min(...times));
  }

  #start(seat: Seat, nowMs: number, actions: PoolAction[]): void {
    this.#started += 1;
    seat.analyzer = this.#started;
    seat.isUp = true;
    seat.sinceMs = nowMs;
    actions.push({ kind: "start", analyzer: seat.analyzer });
  }

  /** Gives up one seat: of a crashed one first, else the newest. */
  #vacate(nowMs: number, actions: PoolAction[]): void {
    const crashed = this.#seats.findLastIndex(({ isUp }) => !isUp);
    const [seat] = this.#seats.splice(crashed >= 0 ? crashed : this.#seats.length - 1, 1);
    if (seat === undefined || !seat.isUp) return;
    this.#draining.push({ analyzer: seat.analyzer, sinceMs: nowMs, isKilled: false });
    actions.push({ kind: "stop", analyzer: seat.analyzer });
  }
}
