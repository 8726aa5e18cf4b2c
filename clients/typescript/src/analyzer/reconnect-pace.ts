/**
 * How long an analyzer waits before its next session.
 */
import { backoffMs } from "../backoff.ts";

/** The most stays below a node's default resume grace of 5 s, in which leases can be taken over. */
const RECONNECT = { initialMs: 100, maxMs: 3000 };
/** A session that lasted this long was no failed try: the next wait starts from the beginning. */
const STABLE_MS = 1000;

/** Exponential backoff with full jitter, after each address was tried once. */
export class ReconnectPace {
  readonly #addresses: number;
  #failures = 0;

  /** @param addresses - how many there are */
  constructor(addresses: number) {
    this.#addresses = addresses;
  }

  /**
   * A session has ended: the wait before the next.
   * @param lastedMs - 0 when it could not begin
   * @param random - from [0, 1)
   */
  waitMs(lastedMs: number, random: number): number {
    this.#failures = lastedMs >= STABLE_MS ? 1 : this.#failures + 1;
    const round = Math.max(0, this.#failures - this.#addresses + 1);
    return round === 0 ? 0 : backoffMs(RECONNECT, round, random);
  }
}
